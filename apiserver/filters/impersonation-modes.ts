/**
 * What must be allowed before one user may act as another. The constrained modes tie it to what is done ("may list pods
 * as a node"); the old all-or-nothing verb `impersonate` remains.
 * Upstream: apiserver pkg/endpoints/filters/impersonation/mode.go (KEP-5284). Differs: decisions are not cached.
 */
import { isDns1123Subdomain } from '#machinery/meta/validation.ts'
import type { UserInfo } from '../authentication/interfaces.ts'
import {
  GROUP_AUTHENTICATED,
  GROUP_MASTERS,
  GROUP_UNAUTHENTICATED,
  USER_ANONYMOUS,
} from '../authentication/interfaces.ts'
import type { AuthorizationAttributes, Authorizer } from '../authorization/interfaces.ts'
import { forbidden } from './authorization.ts'

/** As the headers say, without anything the server adds. */
export interface WantedUser {
  readonly name: string
  readonly uid: string
  readonly groups: readonly string[]
  readonly extra: ReadonlyMap<string, readonly string[]>
}

interface Mode {
  /** '' = legacy. */
  readonly name: string
  applies(wanted: WantedUser, requestor: UserInfo): boolean
}

const SERVICE_ACCOUNT = /^system:serviceaccount:([^:]+):([^:]+)$/
const NODE_PREFIX = 'system:node:'
const NODE_NAME_KEY = 'authentication.kubernetes.io/node-name'
const AUTHENTICATION = 'authentication.k8s.io'
/** From here on one wildcard check may stand for all. */
const MANY = 4

export const MODES: readonly Mode[] = [
  { name: 'associated-node', applies: isOwnNode },
  { name: 'arbitrary-node', applies: (wanted) => isOnlyName(wanted) && nodeNameIn(wanted.name) !== undefined },
  { name: 'serviceaccount', applies: (wanted) => isOnlyName(wanted) && SERVICE_ACCOUNT.test(wanted.name) },
  {
    name: 'user-info',
    applies: ({ name }) => nodeNameIn(name) === undefined && !SERVICE_ACCOUNT.test(name),
  },
  { name: '', applies: () => true },
]

/** The user to act as; undefined when the mode is not for such users. Throws Forbidden. */
export async function impersonatedUser(
  mode: Mode,
  wanted: WantedUser,
  attributes: AuthorizationAttributes,
  authorizer: Authorizer,
): Promise<UserInfo | undefined> {
  if (!mode.applies(wanted, attributes.user)) return undefined
  const asked = mode.name === 'associated-node' ? { ...attributes, user: withoutExtra(attributes.user) } : attributes
  if (mode.name !== '') {
    await requireAllowed(authorizer, { ...asked, verb: `impersonate-on:${mode.name}:${attributes.verb}` })
  }
  await new FieldChecks(mode.name, asked.user, authorizer).check(wanted)
  return actualUser(mode.name !== '', wanted)
}

class FieldChecks {
  readonly #mode: string
  readonly #requestor: UserInfo
  readonly #authorizer: Authorizer

  constructor(mode: string, requestor: UserInfo, authorizer: Authorizer) {
    this.#mode = mode
    this.#requestor = requestor
    this.#authorizer = authorizer
  }

  get #isConstrained(): boolean {
    return this.#mode !== ''
  }

  async check(wanted: WantedUser): Promise<void> {
    await this.#require(this.#nameAttributes(wanted.name))
    if (wanted.uid !== '') await this.#require({ apiGroup: AUTHENTICATION, resource: 'uids', name: wanted.uid })
    await this.#checkGroups(wanted.groups)
    await this.#checkExtra(wanted.extra)
  }

  #nameAttributes(user: string): Partial<AuthorizationAttributes> {
    const account = SERVICE_ACCOUNT.exec(user)
    const apiGroup = this.#isConstrained ? AUTHENTICATION : ''
    if (account !== null) {
      return { apiGroup, resource: 'serviceaccounts', namespace: account[1] ?? '', name: account[2] ?? '' }
    }
    const node = this.#isConstrained ? nodeNameIn(user) : undefined
    if (node === undefined) return { apiGroup, resource: 'users', name: user }
    return { apiGroup, resource: 'nodes', name: this.#mode === 'associated-node' ? '*' : node }
  }

  async #checkGroups(groups: readonly string[]): Promise<void> {
    const apiGroup = this.#isConstrained ? AUTHENTICATION : ''
    const attributes = { apiGroup, resource: 'groups' }
    if (this.#isConstrained && groups.includes(GROUP_MASTERS)) {
      const why = 'impersonating the system:masters group is not allowed'
      throw forbidden(this.#attributes({ ...attributes, name: GROUP_MASTERS }), why)
    }
    if (this.#isConstrained && groups.length >= MANY && (await this.#isAllowed({ ...attributes, name: '*' }))) return
    for (const name of groups) await this.#require({ ...attributes, name })
  }

  async #checkExtra(extra: WantedUser['extra']): Promise<void> {
    const attributes = { apiGroup: AUTHENTICATION, resource: 'userextras' }
    const count = [...extra.values()].reduce((sum, values) => sum + values.length, 0)
    const hasEmpty = [...extra].some(([key, values]) => key === '' || values.length === 0 || values.includes(''))
    if (this.#isConstrained && hasEmpty) {
      const why = 'impersonating empty values in extra is not allowed'
      throw forbidden(this.#attributes(attributes), why)
    }
    const isMany = extra.size >= MANY || count >= MANY
    if (this.#isConstrained && isMany && (await this.#isAllowed({ ...attributes, subresource: '*', name: '*' }))) return
    for (const [subresource, values] of extra) {
      for (const name of values) await this.#require({ ...attributes, subresource, name })
    }
  }

  #attributes(fields: Partial<AuthorizationAttributes>): AuthorizationAttributes {
    return {
      user: this.#requestor,
      verb: this.#isConstrained ? `impersonate:${this.#mode}` : 'impersonate',
      isResourceRequest: true,
      apiGroup: '',
      apiVersion: 'v1',
      resource: '',
      subresource: '',
      namespace: '',
      name: '',
      path: '',
      ...fields,
    }
  }

  async #isAllowed(fields: Partial<AuthorizationAttributes>): Promise<boolean> {
    return (await this.#authorizer.authorize(this.#attributes(fields))).decision === 'Allow'
  }

  #require(fields: Partial<AuthorizationAttributes>): Promise<void> {
    return requireAllowed(this.#authorizer, this.#attributes(fields))
  }
}

async function requireAllowed(authorizer: Authorizer, attributes: AuthorizationAttributes): Promise<void> {
  const { decision, reason } = await authorizer.authorize(attributes)
  if (decision !== 'Allow') throw forbidden(attributes, reason)
}

function actualUser(isConstrained: boolean, wanted: WantedUser): UserInfo {
  const account = SERVICE_ACCOUNT.exec(wanted.name)
  let groups = wanted.groups
  if (isConstrained && nodeNameIn(wanted.name) !== undefined) groups = ['system:nodes']
  else if (account !== null && groups.length === 0) {
    groups = ['system:serviceaccounts', `system:serviceaccounts:${account[1] ?? ''}`]
  }
  const implied = wanted.name === USER_ANONYMOUS ? GROUP_UNAUTHENTICATED : GROUP_AUTHENTICATED
  const isComplete = groups.includes(implied) || groups.includes(GROUP_UNAUTHENTICATED)
  return { ...wanted, groups: isComplete ? groups : [...groups, implied] }
}

const isOnlyName = ({ uid, groups, extra }: WantedUser): boolean =>
  uid === '' && groups.length === 0 && extra.size === 0

function nodeNameIn(user: string): string | undefined {
  if (!user.startsWith(NODE_PREFIX)) return undefined
  const name = user.slice(NODE_PREFIX.length)
  return isDns1123Subdomain(name).length === 0 ? name : undefined
}

/** A service account on a node: its token says which. */
function isOwnNode(wanted: WantedUser, requestor: UserInfo): boolean {
  const node = nodeNameIn(wanted.name)
  if (node === undefined || !isOnlyName(wanted) || !SERVICE_ACCOUNT.test(requestor.name)) return false
  const names = requestor.extra.get(NODE_NAME_KEY) ?? []
  return names.length === 1 && names[0] === node
}

/** The decision must be the same for the account's pods on all nodes: authorizers see the keys only. */
function withoutExtra(user: UserInfo): UserInfo {
  const keys = [...user.extra.keys()].sort()
  return { ...user, extra: new Map([['authentication.kubernetes.io/associated-node-keys', keys]]) }
}
