// What Django's admin leaves without a name gets one: boxes that search, fields of a table, and empty headings.
(() => {
  'use strict'

  const headingOf = cell => {
    const index = [...cell.parentElement.children].indexOf(cell)
    return cell.closest('table').querySelectorAll('thead tr > *')[index]
  }

  const nameOf = field => field.labels?.[0] || (field.closest('td') && headingOf(field.closest('td')))

  const name = () => {
    for (const heading of document.querySelectorAll('.tabular thead th')) {
      if (heading.textContent.trim() === '') {
        const cell = document.createElement('td')
        cell.className = heading.className
        heading.replaceWith(cell)
      }
    }
    for (const field of document.querySelectorAll('.tabular td input, .tabular td select, .tabular td textarea')) {
      const heading = nameOf(field)
      if (field.type !== 'hidden' && !field.labels?.length && heading) {
        field.setAttribute('aria-label', heading.textContent.trim())
      }
    }
    for (const icon of document.querySelectorAll('.search-label-icon[aria-label]')) icon.setAttribute('role', 'img')
    for (const box of document.querySelectorAll('.select2-selection[role=combobox]')) {
      const field = box.closest('.select2').previousElementSibling
      const named = field && nameOf(field)
      if (named) {
        named.id = named.id || `name_of_${field.id}`
        const chosen = box.querySelector('.select2-selection__rendered')
        box.setAttribute('aria-labelledby', `${named.id} ${chosen.id}`)
        chosen.setAttribute('aria-labelledby', named.id)
      }
    }
  }

  window.addEventListener('load', () => window.setTimeout(name))  // after the boxes that search are made
  document.addEventListener('formset:added', () => window.setTimeout(name))
})()
