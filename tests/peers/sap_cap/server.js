// SAP's CAP server with SAP's published entities of maintenance, on a free port of 127.0.0.1.
//
// Ours: numbers, phases, statuses, long texts, CSRF, sign-in, what planners do (/__control/...), and the clock,
// which comes with each request. The rest is SAP's: OData V2 and V4, filters, paging, deep inserts, etags.
// It ends when its standard input does, so that it never outlives who started it.

'use strict'
const crypto = require('node:crypto')
const fs = require('node:fs')
process.chdir(__dirname)
process.stdin.resume()
process.stdin.on('end', () => process.exit(0))

const USER = 'WEARCAST'
const BASIC = 'Basic ' + Buffer.from(`${USER}:${process.env.PEER_SECRET}`).toString('base64')
const PHASES = { 1: 'OSNO', 2: 'PONO', 3: 'NOPR', 4: 'NOCO', 5: 'DLFL', Z: 'ZZ' }

const cds = require('@sap/cds')
const express = require('express')
const tokens = new Map()
const next = { MaintenanceNotification: 10000001, MaintenanceOrder: 4000001 }
let clock = new Date().toISOString()

function guard(req, res, go) {
  if (req.headers['x-clock']) clock = new Date(req.headers['x-clock']).toISOString()
  if (!req.path.startsWith('/sap/')) return go()
  if (req.headers.authorization !== BASIC) {
    return res.status(401).set('www-authenticate', 'Basic').type('html').send('<title>Logon failed</title>')
  }
  delete req.headers.authorization
  if ((req.headers['x-csrf-token'] || '').toLowerCase() === 'fetch') {
    const known = session(req)
    const id = tokens.has(known) ? known : crypto.randomUUID()
    if (!tokens.has(id)) tokens.set(id, crypto.randomUUID())
    res.set('x-csrf-token', tokens.get(id))
    res.append('Set-Cookie', `SAP_SESSIONID_CAP=${id}; Path=/; HttpOnly`)
  } else if (!['GET', 'HEAD', 'OPTIONS'].includes(req.method)) {
    const known = session(req)
    if (!tokens.has(known) || tokens.get(known) !== req.headers['x-csrf-token']) {
      return res.status(403).set('x-csrf-token', 'Required').type('text').send('CSRF token validation failed')
    }
  }
  go()
}

function session(req) {
  return /SAP_SESSIONID_CAP=([\w-]+)/.exec(req.headers.cookie || '')?.[1]
}

function phase(code, order) {
  const statuses = PHASES[code] + (order ? ' ORAS' : '')
  return { NotifProcessingPhase: code, ConcatenatedActiveSystStsName: statuses, LastChangeDateTime: clock }
}

async function serve(services) {
  const { cds_api_maintnotification: notifications, cds_api_maintenanceorder: orders } = services
  const { MaintenanceNotification } = notifications.entities
  const { MaintenanceOrder } = orders.entities

  notifications.before('CREATE', MaintenanceNotification, async (req) => {
    const data = req.data
    data.MaintenanceNotification = String(next.MaintenanceNotification++)
    if (!data.NotificationText) return req.reject(400, 'Enter a short text.')
    for (const name of ['MaintNotifExtReferenceNumber', 'TechnicalObject', 'NotificationType']) {
      data[name] = data[name]?.toUpperCase()
    }
    const { Equipment } = services.cds_api_equipment.entities
    const { FunctionalLocation } = services.cds_api_functionallocation.entities
    const told = data.TechnicalObject
    const place = data.TechObjIsEquipOrFuncnlLoc === 'EAMS_EQUI'
      ? await SELECT.one.from(Equipment).where({ Equipment: told })
      : await SELECT.one.from(FunctionalLocation).where({ FunctionalLocation: told })
    if (!place) return req.reject(400, `Technical object ${told} does not exist.`)
    data.FunctionalLocation = place.FunctionalLocation
    data.FunctionalLocationLabelName = place.FunctionalLocationLabelName
    data.MaintenancePlanningPlant ??= '1010'
    data.NotificationTimeZone = 'CET'
    data.MaintNotificationLongText = data.MaintNotifLongTextForEdit || ''
    delete data.MaintNotifLongTextForEdit
    Object.assign(data, phase('1'))
  })
  notifications.before('UPDATE', MaintenanceNotification, async (req) => {
    const added = req.data.MaintNotifLongTextForEdit
    if (added) {
      const { MaintenanceNotification: number } = req.data
      const held = await SELECT.one.from(MaintenanceNotification).where({ MaintenanceNotification: number })
      req.data.MaintNotificationLongText = `${held?.MaintNotificationLongText}\n* ${clock} ${USER}\n${added}`
      delete req.data.MaintNotifLongTextForEdit
    }
    req.data.LastChangeDateTime = clock
  })
  notifications.on('CompleteMaintNotification', async (req) => {
    const { MaintenanceNotification: number, NotificationReferenceDate, NotificationReferenceTime } = req.data
    const held = await SELECT.one.from(MaintenanceNotification).where({ MaintenanceNotification: number })
    if (!held) return req.reject(404, `Notification ${number} does not exist.`)
    if (!NotificationReferenceDate || !NotificationReferenceTime) return req.reject(400, 'Enter a reference date.')
    if ('45'.includes(held.NotifProcessingPhase)) return req.reject(400, `Notification ${number} is completed.`)
    const done = { NotificationCompletionDate: NotificationReferenceDate, CompletionTime: NotificationReferenceTime }
    await UPDATE(MaintenanceNotification, number).with({ ...phase('4', held.MaintenanceOrder), ...done })
    return SELECT.one.from(MaintenanceNotification).where({ MaintenanceNotification: number })
  })
  notifications.on('SetMaintNotifToInProcess', async (req) => {
    await UPDATE(MaintenanceNotification, req.data.MaintenanceNotification).with(phase('3'))
    return SELECT.one.from(MaintenanceNotification).where(req.data)
  })
  orders.before('CREATE', MaintenanceOrder, async (req) => {
    const data = req.data
    const number = String(next.MaintenanceOrder++)
    Object.assign(data, {
      MaintenanceOrder: number, SystemStatusText: 'CRTD MANC NMAT', LastChangeDateTime: clock,
    })
    data.MaintenancePlanningPlant ??= '1010'
    for (const operation of data.to_MaintenanceOrderOperation || []) {
      operation.MaintenanceOrderSubOperation ??= ''
      for (const [at, component] of (operation.to_MaintOrderOpComponent || []).entries()) {
        component.MaintenanceOrderComponent ??= String(10 * (at + 1)).padStart(4, '0')
      }
    }
    if (data.MaintenanceNotification) {
      const held = await SELECT.one.from(MaintenanceNotification, data.MaintenanceNotification)
      if (!held) return req.reject(400, `Notification ${data.MaintenanceNotification} does not exist.`)
      if (held.MaintenanceOrder) return req.reject(400, 'The notification is already assigned to an order.')
      const assigned = { ...phase('3', number), MaintenanceOrder: number }
      await UPDATE(MaintenanceNotification, data.MaintenanceNotification).with(assigned)
    }
  })
  orders.before('UPDATE', MaintenanceOrder, (req) => { req.data.LastChangeDateTime = clock })
  orders.on('SetMaintOrderToDoNotExecute', async (req) => {
    const ended = { SystemStatusText: 'CLSD NMAT', LastChangeDateTime: clock }
    await UPDATE(MaintenanceOrder, req.data.MaintenanceOrder).with(ended)
    return { IsInvalid: false }
  })
  await places(services)
  people(cds.app, notifications, orders)
}

async function places(services) {
  const { Equipment } = services.cds_api_equipment.entities
  const { FunctionalLocation } = services.cds_api_functionallocation.entities
  const labels = ['W1-P101', ...Array.from({ length: 9 }, (_, at) => `W1-X00${at}`)]
  const rows = labels.map((label) => (
    { FunctionalLocation: label, FunctionalLocationLabelName: label, FunctionalLocationName: `Place ${label}`,
      MaintenancePlanningPlant: '1010' }))
  await INSERT.into(FunctionalLocation).entries(rows)
  await INSERT.into(Equipment).entries(rows.map((row, at) => (
    { ...row, Equipment: String(at ? 200000 + at : 100042).padStart(18, '0'), ValidityEndDate: '9999-12-31',
      EquipmentName: `Pump at ${row.FunctionalLocation}` })))
}

function people(app, notifications, orders) {
  const { MaintenanceNotification, MaintenanceNotificationItem } = notifications.entities
  const { MaintenanceOrder } = orders.entities
  const held = (number) => SELECT.one.from(MaintenanceNotification).where({ MaintenanceNotification: number })
  const acts = {
    async hold(number) {
      const row = await held(number)
      const order = row.MaintenanceOrder && await SELECT.one.from(MaintenanceOrder, row.MaintenanceOrder)
      return { ...row, order: order || {} }
    },
    async edit(number, { title }) {
      const change = { NotificationText: title, LastChangeDateTime: clock }
      await UPDATE(MaintenanceNotification, number).with(change)
    },
    async codes(number, { items }) {
      await DELETE.from(MaintenanceNotificationItem).where({ MaintenanceNotification: number })
      for (const item of items) {
        await INSERT.into(MaintenanceNotificationItem).entries({ ...item, MaintenanceNotification: number })
      }
    },
    async status(number, { phase: code, status, completed_at: done }) {
      const { MaintenanceOrder: order } = await held(number)
      const change = phase(code, order)
      if ('123'.includes(code)) Object.assign(change, { NotificationCompletionDate: null, CompletionTime: null })
      if (done && code === '4') {
        const local = new Intl.DateTimeFormat('sv-SE', {
          timeZone: 'Europe/Berlin', dateStyle: 'short', timeStyle: 'medium' }).format(new Date(done))
        change.NotificationCompletionDate = local.slice(0, 10)
        change.CompletionTime = local.slice(11)
      }
      await UPDATE(MaintenanceNotification, number).with(change)
      if (order && status) {
        const ended = { SystemStatusText: status, LastChangeDateTime: clock, MaintOrderReferenceDateTime: done }
        await UPDATE(MaintenanceOrder, order).with(ended)
      }
    },
    async own(_, told) {
      const row = { NotificationText: 'made by hand', NotificationType: 'M2', MaintPriority: '3', ...told }
      await notifications.run(INSERT.into(MaintenanceNotification).entries(row))
      return String(next.MaintenanceNotification - 1)
    },
  }
  app.post('/__control/:act/:number?', express.json(), async (req, res) => {
    try {
      const { act, number } = req.params
      const made = await cds.tx(() => acts[act](number, req.body))
      res.json(made ?? null)
    } catch (err) {
      res.status(500).send(String(err.stack))
    }
  })
}

async function main() {
  cds.prependListener?.('bootstrap', (app) => app.use(guard))
  await cds.plugins
  const app = express()
  const listen = app.listen.bind(app)
  app.listen = (port) => listen(port, '127.0.0.1')
  cds.on('served', serve)
  const server = await cds.server({ port: 0, in_memory: true, app, from: 'service.cds' })
  await new Promise((done) => (server.listening ? done() : server.once('listening', done)))
  const url = `http://127.0.0.1:${server.address().port}`
  await cds.emit('listening', { server, url })
  fs.writeFileSync(process.env.PEER_PORT_FILE + '.new', String(server.address().port))
  fs.renameSync(process.env.PEER_PORT_FILE + '.new', process.env.PEER_PORT_FILE)
}

main().catch((err) => { console.error(err); process.exit(1) })
