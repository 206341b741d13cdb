# SPDX-License-Identifier: Apache-2.0
# Faye's Ruby server, a Bayeux server by others, on a port that the system chooses, which it prints.

require 'faye'
require 'socket'
require 'thin'

Thin::Logging.silent = true
Faye::WebSocket.load_adapter('thin')

EventMachine.run do
  server = Thin::Server.new('127.0.0.1', 0, Faye::RackAdapter.new(mount: '/bayeux', timeout: 25), signals: true)
  server.start
  # Thin does not tell where it listens.
  listener = server.backend.instance_variable_get(:@signature)
  puts Socket.unpack_sockaddr_in(EventMachine.get_sockname(listener)).first
  $stdout.flush
end
