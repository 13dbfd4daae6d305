// What remark reads the documentation's English for, as Markdown: code, formulas and links are left out.
import gfm from 'remark-gfm';
import math from 'remark-math';
import toRetext from 'remark-retext';
import contractions from 'retext-contractions';
import english from 'retext-english';
import indefiniteArticle from 'retext-indefinite-article';
import redundantAcronyms from 'retext-redundant-acronyms';
import repeatedWords from 'retext-repeated-words';
import sentenceSpacing from 'retext-sentence-spacing';
import simplify from 'retext-simplify';
import { unified } from 'unified';

// Of the words and phrases for which retext-simplify knows plainer ones, those that stay.
const plainEnough = [
  // A sentence that says what exists or is so needs them, and "all of it" is not "all it".
  'all of', 'it is', 'there are', 'there is', 'therefore',
  // The field's terms: others would be less plain to its readers.
  'address', 'combined', 'component', 'forward', 'function', 'initial', 'interface', 'maximum', 'minimise', 'multiple',
  'option', 'parameters', 'relative to', 'request', 'type', 'with respect to',
  // The name of a network.
  'inception',
];

const sentences = unified()
  .use(english)
  .use(indefiniteArticle)               // "a hour"
  .use(repeatedWords)                   // "the the"
  .use(redundantAcronyms)               // "LCD display"
  .use(contractions, { straight: true })  // "dont"
  .use(sentenceSpacing, { preferred: 1 })
  .use(simplify, { ignore: plainEnough });

// Not used, as nearly all that they find is right as it is: retext-intensify (all "many", "some" and "may"),
// retext-passive (what is done to a tensor matters here, not by whom), retext-readability (it counts letters),
// retext-quotes (takes an inch's and a derivative's prime for one), retext-diacritics (a resume is no CV),
// retext-spell (codespell does it, and knows variables' names less badly).
export default { plugins: [gfm, math, [toRetext, sentences]] };
