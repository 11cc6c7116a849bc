// Passkeys: shows the button where the browser knows them, and hands the page's question to allauth's script.
(function () {
  'use strict'

  var form = document.querySelector('form[data-passkey]')
  if (!form || !window.PublicKeyCredential) return
  var button = document.getElementById('passkey-button')
  var none = form.querySelector('[data-passkey-none]')
  var wrong = form.querySelector('[data-passkey-error]')
  var question = JSON.parse(form.dataset.passkey)

  button.hidden = false
  if (none) none.hidden = true
  button.addEventListener('click', function () { wrong.hidden = true })
  document.addEventListener('allauth.error', function (event) {
    event.preventDefault()
    wrong.hidden = false
  })
  window.allauth.webauthn.forms[form.hasAttribute('data-passkey-new') ? 'addForm' : 'authenticateForm']({
    ids: { add: button.id, authenticate: button.id, credential: 'id_credential' },
    data: { creation_options: question, request_options: question }
  })
})()
