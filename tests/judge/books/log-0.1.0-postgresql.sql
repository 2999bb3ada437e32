CREATE TABLE public.secrets (
    assignment character varying(200) NOT NULL,
    version integer NOT NULL,
    secret character varying(64) NOT NULL,
    created timestamp with time zone NOT NULL
);

CREATE TABLE public.sittings (
    id integer NOT NULL,
    at timestamp with time zone NOT NULL,
    assignment character varying(200) NOT NULL,
    student character varying(200) NOT NULL,
    submission character varying(64) NOT NULL,
    seed integer NOT NULL,
    isolation character varying(40) NOT NULL,
    token character varying(32) NOT NULL,
    notebooks json NOT NULL,
    repairs json NOT NULL,
    incidents json NOT NULL,
    plain json NOT NULL
);

CREATE SEQUENCE public.sittings_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE public.sittings_id_seq OWNED BY public.sittings.id;

CREATE TABLE public.verdicts (
    id integer NOT NULL,
    at timestamp with time zone NOT NULL,
    assignment character varying(200) NOT NULL,
    student character varying(200) NOT NULL,
    exercise character varying(200) NOT NULL,
    submission character varying(64) NOT NULL,
    seed integer NOT NULL,
    device character varying(20) NOT NULL,
    isolation character varying(40) NOT NULL,
    versions json NOT NULL,
    outcome character varying(40) NOT NULL,
    credit double precision NOT NULL,
    findings json NOT NULL,
    cases json NOT NULL
);

CREATE SEQUENCE public.verdicts_id_seq
    AS integer
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

ALTER SEQUENCE public.verdicts_id_seq OWNED BY public.verdicts.id;

ALTER TABLE ONLY public.sittings ALTER COLUMN id SET DEFAULT nextval('public.sittings_id_seq'::regclass);

ALTER TABLE ONLY public.verdicts ALTER COLUMN id SET DEFAULT nextval('public.verdicts_id_seq'::regclass);

INSERT INTO public.secrets VALUES ('mixed', 1, 'c93dda27173f0ee842a3ef8221ede4b37f099c3e70190fa87eb547b5122cc229', '2026-11-29 05:01:08.076008+05:30');
INSERT INTO public.secrets VALUES ('mixed', 2, '17916311c945de6b882578f679b62cfc05ba52cabfa93def60841ac70b35f08e', '2026-11-29 05:01:08.084108+05:30');

INSERT INTO public.sittings VALUES (1, '2026-11-29 05:01:08.078885+05:30', 'mixed', 'ada', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 1, 'full', '00000000000000000000000000000000', '["mixed"]', '["put right: \u2202 \u2717 \ud83d\udc69\u200d\ud83c\udfeb"]', '[]', '["triple", "count"]');
INSERT INTO public.sittings VALUES (2, '2026-11-29 05:01:08.085698+05:30', 'mixed', 'ada', 'bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb', 2, 'full', '11111111111111111111111111111111', '["mixed"]', '[]', '[]', '["triple", "count"]');
INSERT INTO public.sittings VALUES (3, '2026-11-29 05:01:08.087423+05:30', 'mixed', 'bob', 'cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc', 2, 'none', '', '["mixed"]', '[]', '["It took more than 20 s."]', '[]');

INSERT INTO public.verdicts VALUES (1, '2026-11-29 05:01:08.078885+05:30', 'mixed', 'ada', 'two_path_grad', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 1, 'cpu', 'full', '{"python": "3.11.9", "autograd-course": "0.1.0", "torch": "2.13.0"}', 'wrong', 0.5, '[{"code": "two_path_grad.first_path_only", "message": "You followed only the path from w through `a = x + w`.", "case": "w = 0"}]', '[{"name": "5 numbers", "passed": true, "weight": 1.0}, {"name": "w = 0", "passed": false, "weight": 2.0}]');
INSERT INTO public.verdicts VALUES (2, '2026-11-29 05:01:08.078885+05:30', 'mixed', 'ada', 'edge_products', 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa', 1, 'cpu', 'full', '{"python": "3.11.9", "autograd-course": "0.1.0", "torch": "2.13.0"}', 'right', 1, '[]', '[{"name": "5 numbers", "passed": true, "weight": 1.0}]');
INSERT INTO public.verdicts VALUES (3, '2026-11-29 05:01:08.085698+05:30', 'mixed', 'ada', 'two_path_grad', 'bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb', 2, 'cpu', 'full', '{"python": "3.11.9", "autograd-course": "0.1.0", "torch": "2.13.0"}', 'right', 1, '[]', '[{"name": "5 numbers", "passed": true, "weight": 1.0}]');
INSERT INTO public.verdicts VALUES (4, '2026-11-29 05:01:08.085698+05:30', 'mixed', 'ada', 'edge_products', 'bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb', 2, 'cpu', 'full', '{"python": "3.11.9", "autograd-course": "0.1.0", "torch": "2.13.0"}', 'right', 1, '[]', '[{"name": "5 numbers", "passed": true, "weight": 1.0}]');
INSERT INTO public.verdicts VALUES (5, '2026-11-29 05:01:08.087423+05:30', 'mixed', 'bob', 'two_path_grad', 'cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc', 2, 'cuda', 'none', '{"python": "3.11.9", "autograd-course": "0.1.0", "torch": "2.13.0"}', 'not attempted', 0, '[]', '[{"name": "5 numbers", "passed": true, "weight": 1.0}]');
INSERT INTO public.verdicts VALUES (6, '2026-11-29 05:01:08.087423+05:30', 'mixed', 'bob', 'edge_products', 'cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc', 2, 'cuda', 'none', '{"python": "3.11.9", "autograd-course": "0.1.0", "torch": "2.13.0"}', 'could not check', 0, '[{"code": "CHECK.unread", "message": "It can''t be read.", "case": null}]', '[]');

SELECT pg_catalog.setval('public.sittings_id_seq', 3, true);

SELECT pg_catalog.setval('public.verdicts_id_seq', 6, true);

ALTER TABLE ONLY public.secrets
    ADD CONSTRAINT secrets_pkey PRIMARY KEY (assignment, version);

ALTER TABLE ONLY public.sittings
    ADD CONSTRAINT sittings_pkey PRIMARY KEY (id);

ALTER TABLE ONLY public.verdicts
    ADD CONSTRAINT verdicts_pkey PRIMARY KEY (id);

CREATE INDEX ix_sittings_assignment ON public.sittings USING btree (assignment);

CREATE INDEX ix_sittings_student ON public.sittings USING btree (student);

CREATE INDEX ix_verdicts_assignment ON public.verdicts USING btree (assignment);

CREATE INDEX ix_verdicts_student ON public.verdicts USING btree (student);
