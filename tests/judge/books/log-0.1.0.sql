BEGIN TRANSACTION;
CREATE TABLE secrets (
	assignment VARCHAR(200) NOT NULL,
	version INTEGER NOT NULL,
	secret VARCHAR(64) NOT NULL,
	created DATETIME NOT NULL,
	PRIMARY KEY (assignment, version)
);
INSERT INTO "secrets" VALUES('mixed',1,'0e20743ad3cf3ce258d5156f33008182ee384f8407e2ed986e0d0533f8f1bf87','2026-11-28 23:31:04.060270');
INSERT INTO "secrets" VALUES('mixed',2,'e984b784692c1f02a5f76f2e330de05904320917ebcab88b9f66a167d112ac39','2026-11-28 23:31:04.067956');
CREATE TABLE sittings (
	id INTEGER NOT NULL,
	at DATETIME NOT NULL,
	assignment VARCHAR(200) NOT NULL,
	student VARCHAR(200) NOT NULL,
	submission VARCHAR(64) NOT NULL,
	seed INTEGER NOT NULL,
	isolation VARCHAR(40) NOT NULL,
	token VARCHAR(32) NOT NULL,
	notebooks JSON NOT NULL,
	repairs JSON NOT NULL,
	incidents JSON NOT NULL,
	plain JSON NOT NULL,
	PRIMARY KEY (id)
);
INSERT INTO "sittings" VALUES(1,'2026-11-28 23:31:04.063478','mixed','ada','aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa',1,'full','00000000000000000000000000000000','["mixed"]','["put right: \u2202 \u2717 \ud83d\udc69\u200d\ud83c\udfeb"]','[]','["triple", "count"]');
INSERT INTO "sittings" VALUES(2,'2026-11-28 23:31:04.069762','mixed','ada','bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb',2,'full','11111111111111111111111111111111','["mixed"]','[]','[]','["triple", "count"]');
INSERT INTO "sittings" VALUES(3,'2026-11-28 23:31:04.073293','mixed','bob','cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc',2,'none','','["mixed"]','[]','["It took more than 20 s."]','[]');
CREATE TABLE verdicts (
	id INTEGER NOT NULL,
	at DATETIME NOT NULL,
	assignment VARCHAR(200) NOT NULL,
	student VARCHAR(200) NOT NULL,
	exercise VARCHAR(200) NOT NULL,
	submission VARCHAR(64) NOT NULL,
	seed INTEGER NOT NULL,
	device VARCHAR(20) NOT NULL,
	isolation VARCHAR(40) NOT NULL,
	versions JSON NOT NULL,
	outcome VARCHAR(40) NOT NULL,
	credit FLOAT NOT NULL,
	findings JSON NOT NULL,
	cases JSON NOT NULL,
	PRIMARY KEY (id)
);
INSERT INTO "verdicts" VALUES(1,'2026-11-28 23:31:04.063478','mixed','ada','two_path_grad','aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa',1,'cpu','full','{"python": "3.11.9", "autograd-course": "0.1.0", "torch": "2.13.0"}','wrong',0.5,'[{"code": "two_path_grad.first_path_only", "message": "You followed only the path from w through `a = x + w`.", "case": "w = 0"}]','[{"name": "5 numbers", "passed": true, "weight": 1.0}, {"name": "w = 0", "passed": false, "weight": 2.0}]');
INSERT INTO "verdicts" VALUES(2,'2026-11-28 23:31:04.063478','mixed','ada','edge_products','aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa',1,'cpu','full','{"python": "3.11.9", "autograd-course": "0.1.0", "torch": "2.13.0"}','right',1.0,'[]','[{"name": "5 numbers", "passed": true, "weight": 1.0}]');
INSERT INTO "verdicts" VALUES(3,'2026-11-28 23:31:04.069762','mixed','ada','two_path_grad','bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb',2,'cpu','full','{"python": "3.11.9", "autograd-course": "0.1.0", "torch": "2.13.0"}','right',1.0,'[]','[{"name": "5 numbers", "passed": true, "weight": 1.0}]');
INSERT INTO "verdicts" VALUES(4,'2026-11-28 23:31:04.069762','mixed','ada','edge_products','bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb',2,'cpu','full','{"python": "3.11.9", "autograd-course": "0.1.0", "torch": "2.13.0"}','right',1.0,'[]','[{"name": "5 numbers", "passed": true, "weight": 1.0}]');
INSERT INTO "verdicts" VALUES(5,'2026-11-28 23:31:04.073293','mixed','bob','two_path_grad','cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc',2,'cuda','none','{"python": "3.11.9", "autograd-course": "0.1.0", "torch": "2.13.0"}','not attempted',0.0,'[]','[{"name": "5 numbers", "passed": true, "weight": 1.0}]');
INSERT INTO "verdicts" VALUES(6,'2026-11-28 23:31:04.073293','mixed','bob','edge_products','cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc',2,'cuda','none','{"python": "3.11.9", "autograd-course": "0.1.0", "torch": "2.13.0"}','could not check',0.0,'[{"code": "CHECK.unread", "message": "It can''t be read.", "case": null}]','[]');
CREATE INDEX ix_verdicts_assignment ON verdicts (assignment);
CREATE INDEX ix_verdicts_student ON verdicts (student);
CREATE INDEX ix_sittings_student ON sittings (student);
CREATE INDEX ix_sittings_assignment ON sittings (assignment);
COMMIT;
