// Small comforts. Every page works without this file; nothing here decides anything.
(function () {
  'use strict'

  document.documentElement.classList.add('js-enabled')

  // A second press while the first is under way would send the form twice; the server refuses it anyway.
  // The button isn't disabled: a disabled button drops out of the form and loses the focus.
  document.addEventListener('submit', function (event) {
    var form = event.target
    if (form.dataset.sent === 'yes') {
      event.preventDefault()
      return
    }
    var button = event.submitter || form.querySelector('button[data-once]')
    if (button && button.hasAttribute('data-once')) {
      form.dataset.sent = 'yes'
      button.setAttribute('aria-busy', 'true')
    }
  })

  // Coming back with the browser's back button finds the page as it was left: let it be sent again.
  window.addEventListener('pageshow', function () {
    document.querySelectorAll('form[data-sent]').forEach(function (form) {
      delete form.dataset.sent
      form.querySelectorAll('[aria-busy]').forEach(function (button) { button.removeAttribute('aria-busy') })
    })
  })

  // An interview is kept as it is left, whichever way: by a link, by the browser's back button, by signing out.
  var interview = document.querySelector('form[data-keep]')
  function keep () {
    if (interview.dataset.changed !== 'yes') return
    delete interview.dataset.changed
    var page = new FormData(interview)
    page.set('go', 'keep')
    navigator.sendBeacon(window.location.href, page)
  }
  if (interview && navigator.sendBeacon) {
    interview.addEventListener('input', function () { interview.dataset.changed = 'yes' })
    document.addEventListener('submit', function (event) {
      if (event.target === interview) delete interview.dataset.changed
      else keep()
    })
    window.addEventListener('pagehide', keep)
  }

  // After a refused form the reader, and a screen reader, begin at what is wrong.
  var summary = document.querySelector('[data-error-summary]')
  if (summary) summary.focus()
})()
