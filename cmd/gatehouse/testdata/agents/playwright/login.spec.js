// A suite as people write them: it passes, fails, is skipped, and is tried again.
const { test, expect } = require('@playwright/test')
const { ReportingApi } = require('@reportportal/agent-js-playwright')

test.describe('Login', () => {
  test.beforeEach(() => {})
  test.afterAll(() => {})

  test('[48271] valid login', async ({}, info) => {
    ReportingApi.setLaunchStatusPassed()
    console.log('typed the password')
    await test.step('types the password', async () => {})
    await info.attach('shot.png', { body: Buffer.from('89504e470d0a1a0a706c6179', 'hex'), contentType: 'image/png' })
  })

  test('wrong password', () => {
    expect('the page').toBe('empty')
  })

  test.skip('by a key', () => {})

  test.describe('a second factor', () => {
    test.describe.configure({ retries: 1 })
    test('asks for a code', ({}, info) => {
      expect(info.retry).toBeGreaterThan(0)
    })
  })
})
