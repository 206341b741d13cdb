# SPDX-License-Identifier: Apache-2.0
# Faye's Ruby client, a Bayeux client by others, against the broker. Run by Scripts/tests/20-faye.sh, which gives the
# addresses of both listeners as arguments: host:port host:port.

require 'faye'
require 'eventmachine'
require 'fiber'
require 'json'
require 'net/http'

PUBLIC, ADMIN = ARGV
STEP_SECONDS = 5
$passed = 0
$failed = 0

def check(what, holds, found = nil)
  if holds
    $passed += 1
    puts "ok: #{what}"
  else
    $failed += 1
    puts "FAILED: #{what}"
    puts "        found: #{found.inspect}" unless found.nil?
  end
end

# Waits in a fiber for what calls back: the value, or :late after STEP_SECONDS.
def await
  fiber = Fiber.current
  open = true
  finish = lambda do |value|
    next unless open
    open = false
    # In the next turn: Faye may be giving a message to its listeners, and those that come meanwhile must not get it too.
    EventMachine.next_tick { fiber.resume(value) }
  end
  timer = EventMachine.add_timer(STEP_SECONDS) { finish.call(:late) }
  # In the next turn, so that nothing resumes a fiber that does not wait yet.
  EventMachine.next_tick { yield finish }
  Fiber.yield.tap { EventMachine.cancel_timer(timer) }
end

# What became of a subscription or publication: true, or the code and text of its error.
def outcome(deferrable)
  await do |finish|
    deferrable.callback { finish.call(true) }
    deferrable.errback { |error| finish.call([error.code, error.message]) }
  end
end

# An HTTP call to the admin listener, beside the loop.
def admin(method, path, body = nil)
  host, port = ADMIN.split(':')
  text = await do |finish|
    call = lambda do
      Net::HTTP.start(host, port, nil) do |http|
        (method == :post ? http.post(path, JSON.generate(body)) : http.get(path)).body
      end
    end
    EventMachine.defer(call, finish)
  end
  method == :post ? JSON.parse(text) : text
end

def metric(name)
  admin(:get, '/metrics')[/^#{Regexp.escape(name)} (\d+)$/, 1].to_i
end

# What was received on one subscription, in order.
class Inbox
  def initialize(client, channel)
    @messages = []
    @subscription = client.subscribe(channel) do |message|
      @messages << message
      @wake&.call(true)
    end
  end

  attr_reader :subscription, :messages

  # The next message; :late if none comes.
  def take
    await { |finish| @messages.empty? ? @wake = finish : finish.call(true) }
    @wake = nil
    @messages.shift || :late
  end
end

def client(user)
  Faye::Client.new("http://#{PUBLIC}/genesys/cometd").tap { |client| client.set_header('gms_user', user) }
end

def conversation
  carol = client('carol')
  plain = Inbox.new(carol, '/rooms/green')
  result = outcome(plain.subscription)
  check 'handshake, connect and subscribe succeed', result == true, result
  check 'by one session', metric('broker_sessions') == 1

  result = outcome(carol.publish('/rooms/green', { 'text' => 'hello' }))
  check 'a publish of the client is confirmed', result == true, result
  found = plain.take
  check 'and comes back to the subscriber', found == { 'text' => 'hello' }, found

  reply = admin(:post, '/publish', { channel: '/rooms/green', data: { number: 1 } })
  check 'a publish of the server reaches one session', reply == { 'sessions' => 1 }, reply
  found = plain.take
  check 'which receives it', found == { 'number' => 1 }, found

  one = Inbox.new(carol, '/rooms/*')
  any = Inbox.new(carol, '/**')
  results = [outcome(one.subscription), outcome(any.subscription)]
  check 'wildcards are subscribed', results == [true, true], results
  reply = admin(:post, '/publish', { channel: '/rooms/blue', data: 2 })
  check 'overlapping wildcards count one session', reply == { 'sessions' => 1 }, reply
  found = [one.take, any.take]
  check 'and both see a channel nobody named', found == [2, 2], found
  admin(:post, '/publish', { channel: '/rooms/blue/corner', data: 3 })
  found = any.take
  check '** reaches further than *', found == 3 && one.messages.empty?, [found, one.messages]

  result = outcome(carol.publish('/_genesys', 'forged'))
  check 'a client may not publish to /_genesys', result.is_a?(Array) && result.first == 403, result
  personal = Inbox.new(carol, '/_genesys')
  outcome(personal.subscription)
  admin(:post, '/publish', { user: 'dave', tag: 't', message: 'not for carol' })
  reply = admin(:post, '/publish', { user: 'carol', tag: 't', message: 'for carol' })
  found = personal.take
  expected = { 'id' => reply['id'], 'message' => 'for carol', 'tag' => 't' }
  check 'the events of the user come on /_genesys, and no others', found == expected, found
  # Faye hands a message to all subscriptions of its own that match the channel, /** among them.
  found = [any.take, any.messages]
  check 'and no wildcard brings those of others', found == [expected, []], found

  result = outcome(carol.disconnect)
  check 'disconnect succeeds', result == true, result
  check 'and ends the session', metric('broker_sessions').zero?
  check "the broker's books balance", metric('broker_ledger_imbalance').zero?
end

EventMachine.run do
  Fiber.new do
    conversation
    EventMachine.stop
  end.resume
end
puts "#{$passed} passed, #{$failed} failed"
exit($failed.zero? && $passed.positive?)
