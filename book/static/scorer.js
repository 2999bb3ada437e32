// Which hits of a search come first: a heading or an error's text that holds the words as they were typed.

const WORD_FOR_WORD = 1000;

// An error's text is known by the page it stands on; its hit is called by the heading above it, as a heading's is.
function headingAbove(page, anchor) {
  const { alltitles, docnames } = Search._index;
  const stands = ([file, id]) => docnames[file] === page && `#${id}` === anchor;
  return Object.keys(alltitles).find((heading) => alltitles[heading].some(stands));
}

var Scorer = {
  score(hit) {
    const [page, title, anchor, , score, , kind] = hit;
    if (kind === "index") hit[1] = `${title} > ${headingAbove(page, anchor)}`;
    return score + (kind === "title" || kind === "index" ? WORD_FOR_WORD : 0);
  },
  objNameMatch: 11,
  objPartialMatch: 6,
  objPrio: { 0: 15, 1: 5, 2: -5 },
  objPrioDefault: 0,
  title: 15,
  partialTitle: 7,
  term: 5,
  partialTerm: 2,
};
