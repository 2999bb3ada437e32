// Of the hits of a search, headings that hold the words as they were typed come first.

var Scorer = {
  score: ([, , , , score, , kind]) => score + (kind === "title" ? 1000 : 0),
  objNameMatch: 11,
  objPartialMatch: 6,
  objPrio: { 0: 15, 1: 5, 2: -5 },
  objPrioDefault: 0,
  title: 15,
  partialTitle: 7,
  term: 5,
  partialTerm: 2,
};
