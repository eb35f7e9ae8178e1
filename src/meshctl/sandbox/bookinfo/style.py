"""The page's style sheet; it fetches nothing, so the page looks the same offline."""

STYLE = """
:root { color-scheme: light; --ink: #1d2433; --paper: #f6f4ef; --line: #ddd7cb; --accent: #35508f; }
* { box-sizing: border-box; }
body { margin: 0; color: var(--ink); background: var(--paper); font: 16px/1.55 system-ui, "DejaVu Sans", sans-serif; }
nav { display: flex; justify-content: space-between; align-items: center; gap: 1rem; padding: .7rem 1.5rem;
  color: #fff; background: var(--ink); }
.brand { color: #fff; font: 600 1.15rem Georgia, "DejaVu Serif", serif; text-decoration: none; }
.account { display: flex; align-items: center; gap: .8rem; position: relative; }
.button { display: inline-block; padding: .35rem .9rem; border: 0; border-radius: 6px; color: #fff;
  background: var(--accent); font: inherit; text-decoration: none; cursor: pointer; list-style: none; }
summary::-webkit-details-marker { display: none; }
details form { position: absolute; right: 0; z-index: 1; display: grid; gap: .7rem; margin-top: .6rem; padding: 1rem;
  color: var(--ink); background: #fff; border: 1px solid var(--line); border-radius: 8px;
  box-shadow: 0 8px 24px #0003; }
label { display: grid; font-size: .85rem; }
input { padding: .4rem; border: 1px solid var(--line); border-radius: 5px; font: inherit; }
main { max-width: 62rem; margin: 0 auto; padding: 1.5rem; }
.book h1 { margin: .4rem 0; font: 700 2.3rem/1.15 Georgia, "DejaVu Serif", serif; }
.book p { max-width: 46rem; }
a { color: var(--accent); }
.columns { display: grid; grid-template-columns: repeat(auto-fit, minmax(19rem, 1fr)); gap: 1.2rem; }
.card { padding: 1.1rem 1.3rem; background: #fff; border: 1px solid var(--line); border-radius: 10px; }
h2 { margin: 0 0 .6rem; font: 600 1.15rem Georgia, "DejaVu Serif", serif; }
.author { margin: 0 0 .5rem; font-style: italic; }
table { width: 100%; border-collapse: collapse; }
th, td { padding: .3rem .5rem .3rem 0; border-top: 1px solid var(--line); text-align: left; font-weight: 400; }
th { width: 40%; color: #6b7080; }
blockquote { margin: 0 0 1rem; padding-left: 1rem; border-left: 3px solid var(--line); }
blockquote p { margin: 0 0 .2rem; }
cite { color: #6b7080; font-size: .9rem; }
.stars { font-size: 1.4rem; line-height: 1.2; letter-spacing: .1em; }
.stars .none { color: #d9d5cb; }
.missing { color: #8a5a00; font-size: .9rem; }
.source { margin: .4rem 0 0; color: #6b7080; font-size: .85rem; }
.error { padding: .7rem 1rem; background: #fdecea; border: 1px solid #f1b7b0; border-radius: 8px; }
.error h3 { margin: 0 0 .3rem; color: #a3261b; font-size: 1rem; }
.error p { margin: 0; }
.route { margin-top: 1.6rem; }
.route ol { display: flex; flex-wrap: wrap; gap: .7rem; margin: 0; padding: 0; list-style: none; }
.route li { display: grid; padding: .6rem .9rem; background: #fff; border: 1px solid var(--line);
  border-left: 6px solid hsl(var(--hue) 55% 50%); border-radius: 8px; font-size: .85rem; }
.route b { font-size: .95rem; }
.route span { color: #555c6b; }
.choice { text-align: center; }
"""
