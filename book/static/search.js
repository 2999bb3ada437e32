// An error that was pasted into the search is known by its pattern, and its explanation comes first.

function explained(query) {
  const named = query.match(/(\w+(?:Error|Warning|Exception)):(?: |$)/);
  const text = named ? query.slice(named.index + named[0].length) : query;
  return EXPLAINED.filter(
    ({ types, pattern }) =>
      (named ? types.includes(named[1]) : pattern) && new RegExp(pattern, "s").test(text)
  );
}

// Sphinx takes the best hit from the end.
document.addEventListener("DOMContentLoaded", () => {
  const search = Search._performSearch;
  Search._performSearch = (query, ...rest) => {
    const best = explained(query).map(({ title, anchor }) => [
      "errors",
      `Errors and symptoms > ${title}`,
      anchor,
      null,
      Number.MAX_SAFE_INTEGER,
      "errors.md",
      "title",
    ]);
    const titles = new Set(best.map(([, title]) => title));
    return [...search(query, ...rest).filter(([, title]) => !titles.has(title)), ...best.reverse()];
  };
});
