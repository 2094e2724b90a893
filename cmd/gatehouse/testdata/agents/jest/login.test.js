// A suite as people write them: it passes, fails, is skipped, and is tried again.
jest.retryTimes(1)

let tries = 0

describe('Login', () => {
  beforeAll(() => {})
  afterEach(() => {})

  test('[48271] valid login', () => {
    ReportingApi.attachment({ name: 'shot.png', type: 'image/png', content: Buffer.from('89504e470d0a1a0a6a657374', 'hex').toString('base64') }, 'what it looked like')
    expect(1).toBe(1)
  })

  test('wrong password', () => {
    expect('the page').toBe('empty')
  })

  test.skip('by a key', () => {})

  describe('a second factor', () => {
    test('asks for a code', () => {
      tries++
      expect(tries).toBeGreaterThan(1)
    })
  })
})
