// The book is whole without this file. It adds a search, and the meaning of symbols.
"use strict";
(() => {
  const data = window.book || { index: [], symbols: {} };
  const root = document.documentElement.dataset.root || "";

  // search: titles, functions, equations
  const nav = document.querySelector("nav");
  const box = document.createElement("input");
  box.id = "search";
  box.type = "search";
  box.placeholder = document.documentElement.lang === "ko" ? "검색 ( / )" : "search ( / )";
  box.setAttribute("aria-label", box.placeholder);
  const found = document.createElement("ul");
  found.id = "found";
  nav.after(found);
  nav.append(box);
  found.style.cssText = "max-width: 46rem; margin: 0 auto";
  box.addEventListener("input", () => {
    const words = box.value.toLowerCase().split(/\s+/).filter(Boolean);
    const hits = words.length
      ? data.index.filter(([text]) => words.every((word) => text.toLowerCase().includes(word)))
      : [];
    found.replaceChildren(...hits.slice(0, 12).map(([text, link]) => {
      const item = document.createElement("li");
      const a = document.createElement("a");
      a.href = root + link;
      a.textContent = text;
      item.append(a);
      return item;
    }));
  });
  document.addEventListener("keydown", (event) => {
    const typing = /^(INPUT|TEXTAREA)$/.test(event.target.tagName);
    if (event.key === "/" && !typing) { event.preventDefault(); box.focus(); }
    if (event.key === "Escape") { box.value = ""; found.replaceChildren(); told.style.display = "none"; }
  });

  // the meaning of the symbols of a formula
  const told = document.createElement("div");
  told.id = "told";
  told.setAttribute("role", "tooltip");
  document.body.append(told);
  const show = (math) => {
    const names = new Set([...math.querySelectorAll("mi, mover")].map((e) => e.textContent));
    const lines = [...names].filter((name) => data.symbols[name]);
    if (!lines.length) return;
    told.replaceChildren(...lines.slice(0, 8).map((name) => {
      const line = document.createElement("div");
      const symbol = document.createElement("b");
      symbol.textContent = name;
      line.append(symbol, " " + data.symbols[name]);
      return line;
    }));
    told.style.display = "block";
    const place = math.getBoundingClientRect();
    told.style.left = Math.max(4, Math.min(place.left, innerWidth - told.offsetWidth - 8)) + "px";
    const below = place.bottom + 6;
    told.style.top = (below + told.offsetHeight < innerHeight
      ? below : Math.max(4, place.top - told.offsetHeight - 6)) + "px";
  };
  document.addEventListener("mouseover", (event) => {
    const math = event.target.closest && event.target.closest("math");
    if (math) show(math); else told.style.display = "none";
  });

  // v: all values of a page at once
  document.addEventListener("keydown", (event) => {
    if (event.key === "v" && !/^(INPUT|TEXTAREA)$/.test(event.target.tagName)) {
      const lines = [...document.querySelectorAll(".code details")];
      const open = lines.some((line) => !line.open);
      for (const line of lines) line.open = open;
    }
  });
})();
