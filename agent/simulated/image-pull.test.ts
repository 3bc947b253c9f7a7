import { describe, expect, it } from 'vitest'
import { isImageOfNobody } from './image-pull.ts'

describe('an image that cannot be pulled', () => {
  it.each([
    'webserver:404',
    'foo:non-existent',
    'nginx:does-not-exist',
    'registry.example:5000/team/nginx:nonexistent',
    'example.dev/does-not-exist',
    'does-not-exist:v1',
    'invalid.registry.k8s.io/invalid/alpine:3.1',
    'invalid.com/invalid/alpine:3.1',
    'registry.invalid/shop',
    'registry.invalid:5000/shop:1',
    'shop:404@sha256:0123',
  ])('is %s', (image) => expect(isImageOfNobody(image)).toBe(true))

  it.each([
    'nginx',
    'nginx:1.404',
    'docker.io/library/httpd:2.4',
    'localhost:5000/shop:1',
    'example.dev/404/shop:1',
    'invalid.shop:1',
    'shop@sha256:404',
    '',
  ])('is not %j', (image) => expect(isImageOfNobody(image)).toBe(false))
})
