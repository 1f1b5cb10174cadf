#pragma once
// Who is at the other end of an accepted connection, and addresses as text.

#include <Poco/Exception.h>
#include <Poco/Net/SocketAddress.h>
#include <Poco/Net/StreamSocket.h>

#include <string>

#include "server/network/peer_info.h"

namespace ft {

// "127.0.0.1:7021", "[::1]:7021": as configured, as printed.
std::string formatAddress(const Poco::Net::SocketAddress& address);

// Why a call on a socket failed, in the system's words.
std::string reasonOf(const Poco::Exception& error);

// Throws Poco::Exception when the peer is gone already.
PeerInfo peerOf(const Poco::Net::StreamSocket& socket);

}  // namespace ft
