# SPDX-License-Identifier: Apache-2.0
# Faye's Ruby client as one of the clients of interop_check.py, which tells what they say and are told.

require 'faye'
require 'eventmachine'

URL, USER, TRANSPORT, ACK, *CHANNELS = ARGV
# How long it waits before it tries again; five seconds by default.
RETRY_SECONDS = 0.2
$stdout.sync = true

# CometD's acknowledge extension, from the client's side: Faye has none.
class Acknowledge
  def outgoing(message, callback)
    case message['channel']
    when '/meta/handshake'
      @batch = 0
      (message['ext'] ||= {})['ack'] = true
    when '/meta/connect'
      (message['ext'] ||= {})['ack'] = @batch
    end
    callback.call(message)
  end

  def incoming(message, callback)
    @batch = message.dig('ext', 'ack') || @batch if message['channel'] == '/meta/connect'
    callback.call(message)
  end
end

# One line of standard input ends the session.
class Order < EventMachine::Connection
  def initialize(client)
    super()
    @client = client
  end

  def receive_data(_)
    @client.disconnect.callback do
      puts 'closed'
      EventMachine.stop
    end
  end
end

EventMachine.run do
  client = Faye::Client.new(URL, retry: RETRY_SECONDS)
  client.set_header('gms_user', USER)
  client.disable('websocket') unless TRANSPORT == 'websocket'
  client.add_extension(Acknowledge.new) if ACK == 'ack'
  waiting = CHANNELS.length
  CHANNELS.each do |channel|
    subscription = client.subscribe(channel) do |data|
      puts "event #{(data['message'] || data)['number']}"
    end
    subscription.callback do
      waiting -= 1
      puts "ready #{client.instance_variable_get(:@dispatcher).connection_type}" if waiting.zero?
    end
    subscription.errback { |error| abort "#{channel}: #{error.message}" }
  end
  EventMachine.attach($stdin, Order, client)
end
