// Every function a Helm template may call, in override order: builtins, sprig, Helm.

import type { FunctionTable } from '../template/functions.ts'
import { BUILTINS } from '../template/builtins.ts'
import { CERTIFICATE_FUNCTIONS } from '../sprig/certs.ts'
import { CRYPTO_FUNCTIONS } from '../sprig/crypto.ts'
import { DATE_FUNCTIONS } from '../sprig/dates.ts'
import { DICT_FUNCTIONS } from '../sprig/dicts.ts'
import { ENCODING_FUNCTIONS } from '../sprig/encoding.ts'
import { LIST_FUNCTIONS } from '../sprig/lists.ts'
import { MATH_FUNCTIONS } from '../sprig/math.ts'
import { PATH_FUNCTIONS } from '../sprig/paths.ts'
import { REGEX_FUNCTIONS } from '../sprig/regex.ts'
import { SEMVER_FUNCTIONS } from '../sprig/semver.ts'
import { STRING_FUNCTIONS } from '../sprig/strings.ts'
import { TYPE_FUNCTIONS } from '../sprig/types.ts'
import { URL_FUNCTIONS } from '../sprig/urls.ts'
import { HELM_FUNCTIONS } from './functions.ts'

export const FUNCTION_TABLE: FunctionTable = new Map(
  [
    BUILTINS,
    STRING_FUNCTIONS,
    LIST_FUNCTIONS,
    DICT_FUNCTIONS,
    MATH_FUNCTIONS,
    TYPE_FUNCTIONS,
    DATE_FUNCTIONS,
    ENCODING_FUNCTIONS,
    REGEX_FUNCTIONS,
    SEMVER_FUNCTIONS,
    PATH_FUNCTIONS,
    URL_FUNCTIONS,
    CRYPTO_FUNCTIONS,
    CERTIFICATE_FUNCTIONS,
    HELM_FUNCTIONS,
  ].flatMap((group) => group.map((func) => [func.name, func] as const)),
)
