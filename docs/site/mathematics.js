// Draws the formulas of a page, which mkdocs has put between \( \) and \[ \].
document.addEventListener('DOMContentLoaded', () => {
  for (const element of document.querySelectorAll('.arithmatex'))
    renderMathInElement(element, {
      delimiters: [{ left: '\\(', right: '\\)', display: false }, { left: '\\[', right: '\\]', display: true }],
      throwOnError: true,
    });
});
