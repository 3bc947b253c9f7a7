/** UserInfo in its API form. */
import type { UserInfo as ApiUserInfo } from '#machinery/api/authentication/v1/types.gen.ts'
import { setMember } from '#machinery/util/json.ts'
import type { UserInfo } from '../../authentication/interfaces.ts'

export function toApiUserInfo({ name, uid, groups, extra }: UserInfo): ApiUserInfo {
  const info: ApiUserInfo = { username: name }
  if (uid !== '') info.uid = uid
  if (groups.length > 0) info.groups = [...groups]
  if (extra.size > 0) {
    const members: Record<string, unknown> = {}
    for (const [key, values] of extra) setMember(members, key, [...values])
    info.extra = members as Record<string, string[]>
  }
  return info
}
