// Takes from the compiled stylesheet what no page uses and what is said twice:
// node trim.mjs < compiled.css > trimmed.css
import { readFileSync } from 'node:fs'
import postcss from 'postcss'

// Classes of parts whose component we use without this part of it: those that need the vendors' JavaScript
// or images, variants of colour and size, and names that the vendors themselves call deprecated.
const UNUSED = new RegExp([
  '--inverse', '__documents?\\b', '__document-', '-from-desktop', '__start-icon', 'button--start', 'drop-zone',
  'file-upload-', 'exit-this-page', 'link-image', '--turquoise', '--pink', '--magenta', 'badge--bright-purple',
  'panel--interruption', 'panel__actions', 'button-menu', 'extra-letter-spacing', '__conditional', '__divider',
  'label--xl', 'legend--xl', 'caption--xl', 'timeline--full', 'body-l\\b', 'body-lead', 'frontend-supported',
  'collapse-on-mobile', 'small-text-until-tablet', 'no-visited-state', 'link--text-colour', 'identity-bar__menu', 'link--no-underline',
  'hint--l', 'main-wrapper--', 'badge--', 'identity-bar__(details|actions|title)', 'row--no-border',
  '^\\[href', // prints each link's address behind it
].join('|'))

// Hacks for browsers that lack what the rest of this stylesheet needs anyway.
const OLD = /-ms-|screen\\0|caret-color|-moz-focus-inner|-webkit-sticky/

const root = postcss.parse(readFileSync(0, 'utf8'))

root.walkRules((rule) => {
  rule.selectors = rule.selectors.filter((one) => !OLD.test(one))
  const kept = rule.selectors.filter((one) => !UNUSED.test(one.replace(/:not\([^)]*\)/g, '')))
  if (kept.length === 0) rule.remove()
  else rule.selectors = kept
})
root.walkAtRules((rule) => {
  if (rule.name === 'supports' && /not \(-ms-ime/.test(rule.params)) rule.replaceWith(rule.nodes)
  else if (OLD.test(rule.params)) rule.remove()
})
root.walkDecls((declaration) => {
  const inherited = declaration.prop === 'font-family' && declaration.value === 'inherit'
  if (declaration.prop.endsWith('osx-font-smoothing') || declaration.prop.endsWith('webkit-font-smoothing')) declaration.remove()
  else if (inherited && declaration.parent.selector !== 'button,input,select,textarea') declaration.remove()
  else if (/^--govuk-(breakpoint|frontend)/.test(declaration.prop)) declaration.remove()
  else declaration.value = declaration.value.replace(/var\((--govuk-[a-z-]+-colour), [^)]*\)/g, 'var($1)')
    .replace(/rgba\(0, ?0, ?0, ?0\)/g, 'transparent')
    .replace(/(\d\.\d{4})\d+/g, '$1')
})

const leaveOutEmpty = (container) => {
  container.each((node) => {
    if (!node.nodes) return
    leaveOutEmpty(node)
    if (node.nodes.length === 0) node.remove()
  })
}
leaveOutEmpty(root)

const joinNeighbours = (container) => {
  container.each((node) => {
    if (node.type === 'atrule' && node.nodes) joinNeighbours(node)
    let next = node.next()
    while (next && next.type === node.type && next.nodes && node.nodes
      && (node.type === 'rule' ? next.selector === node.selector : next.name === node.name && next.params === node.params)) {
      node.append(next.nodes)
      next.remove()
      next = node.next()
    }
  })
}
joinNeighbours(root)
root.walkAtRules((rule) => joinNeighbours(rule))
process.stdout.write(root.toString())
