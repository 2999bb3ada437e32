// An error that was pasted into the search is known by its pattern, and its explanation comes first.

function explained(query) {
  const named = query.match(/(\w+(?:Error|Warning|Exception)|StopIteration|Unsupported|InvalidBackend):(?: |$)/);
  const text = named ? query.slice(named.index + named[0].length) : query;
  // Words that anybody's error may have are looked for behind the name of their error alone, and last.
  const found = EXPLAINED.filter(
    (one) =>
      (named ? one.types.includes(named[1]) : !one.named) && new RegExp(one.pattern, "s").test(text)
  );
  return found.sort((one, other) => one.named - other.named);
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
