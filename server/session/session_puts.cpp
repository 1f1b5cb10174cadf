// The bodies that a session receives: to their last byte, their trailer, and the upload's way to its commit.

#include <algorithm>
#include <exception>

#include "common/escape.h"
#include "common/protocol.h"
#include "server/session/session.h"
#include "server/session/session_state.h"

namespace ft {
namespace {

std::string integrityMessage(const DigestValue& expected, const DigestValue& actual) {
  return "the " + std::string(digestName(expected.algorithm)) + " of what arrived is " + actual.hex + ", not " +
         expected.hex + "; nothing was stored";
}

// Throws Failure(Integrity) when a digest that was announced is not the one that was taken.
void compareDigests(const std::vector<DigestValue>& expected, const std::vector<DigestValue>& actual) {
  for (const DigestValue& wanted : expected) {
    const auto found =
        std::find_if(actual.begin(), actual.end(), [&](const auto& a) { return a.algorithm == wanted.algorithm; });
    if (found == actual.end()) {
      throw Failure(ErrorCode::BadRequest, "the trailer carries a digest that the header did not name in 'digest'");
    }
    if (*found != wanted) throw Failure(ErrorCode::Integrity, integrityMessage(wanted, *found));
  }
}

}  // namespace

Progress Session::receiveBody(SessionKit& kit) {
  try {
    const std::uint64_t before = busy_->receiving->body.received();
    const Progress progress = busy_->receiving->body.step(kit, *transport_);
    charge(busy_->receiving->body.received() - before);
    if (progress != Progress::Done) return progress;
    state_ = State::Digest;
    deadlines_.awaitNothing();
  } catch (const Failure& failure) {
    failPut(failure);
  } catch (const ProtocolError& error) {
    loseBody(error.what());
  }
  return Progress::Moved;
}

// The body is here, and perhaps not all of it is digested yet.
Progress Session::digestBody() {
  try {
    if (!busy_->receiving->upload->digestOn()) {
      lookAfterPeer();
    } else if (busy_->receiving->body.chunked()) {
      state_ = State::Trailer;
      deadlines_.awaitTrailer(context_.now());
    } else {
      finishPut(nullptr);
    }
  } catch (const Failure& failure) {
    failPut(failure);
  }
  return Progress::Moved;
}

// The trailer, or nullopt with what to do instead.
std::optional<Header> Session::nextTrailer(SessionKit& kit, Progress& progress) {
  std::string fault = "it is another frame";
  try {
    std::optional<Header> trailer = nextFrame(kit, progress);
    if (!trailer || (!trailer->plain && trailer->cmd == "trailer")) return trailer;
  } catch (const HeaderError& error) {
    fault = error.what();
  } catch (const ProtocolError& error) {
    fault = error.what();
  }
  loseBody("what follows the chunks is no trailer: " + fault);
  return std::nullopt;
}

Progress Session::readTrailer(SessionKit& kit) {
  Progress progress = Progress::Moved;
  const auto trailer = nextTrailer(kit, progress);
  if (!trailer) return progress;
  try {
    finishPut(&*trailer);
  } catch (const Failure& failure) {
    failPut(failure);
  }
  return Progress::Moved;
}

// The body is whole: checks it and queues the upload for the next commit. Throws Failure.
void Session::finishPut(const Header* trailer) {
  Receiving& now = *busy_->receiving;
  if (trailer != nullptr && !trailer->ok.value_or(false)) {
    const auto code = errorFromName(trailer->error.value_or("")).value_or(ErrorCode::Changed);
    throw Failure(code,
                  "the sender gave the body up: " + escapeText(trailer->message.value_or("no reason given"), 200));
  }
  if (trailer != nullptr && trailer->filesize && *trailer->filesize != now.upload->offset()) {
    throw Failure(ErrorCode::Integrity, "the trailer says " + std::to_string(*trailer->filesize) + " bytes, but " +
                                            std::to_string(now.upload->offset()) + " arrived; nothing was stored");
  }
  const std::uint64_t size = now.upload->offset();
  const std::vector<DigestValue> digests = now.upload->finish();
  try {
    compareDigests(now.request.digests, digests);
    if (trailer != nullptr) compareDigests(trailer->digests, digests);
  } catch (const Failure&) {
    now.upload->discard();
    throw;
  }
  if (now.deliver) {
    now.delivered = okReply(now.request);
    now.delivered.filesize = size;
    for (const DigestValue& digest : digests) now.delivered.setDigest(digest);
    state_ = State::Deliver;
    deadlines_.awaitNothing();
    return;
  }
  busy_->puts.add(std::move(now.upload), PutRecord{std::move(now.request), size, digests, now.begun});
  busy_->receiving.reset();
  enterHeader();
  if (busy_->puts.full()) commitPuts();
}

Progress Session::deliverUpload() {
  try {
    if (!busy_->receiving->deliver(busy_->receiving->upload)) {
      lookAfterPeer();
      return Progress::Moved;
    }
  } catch (const Failure& failure) {
    failPut(failure);
    return Progress::Moved;
  }
  // Its place is free before the peer knows.
  const std::unique_ptr<Receiving> done = std::move(busy_->receiving);
  done->deliver = nullptr;
  reply(done->delivered);
  enterHeader();
  return Progress::Moved;
}

// A put that had begun cannot be stored. Its rest is thrown away, or the connection ends.
void Session::failPut(const Failure& failure) {
  const Header request = std::move(busy_->receiving->request);
  const BodyReceiver body = busy_->receiving->body;
  const bool whole =
      state_ == State::Trailer || state_ == State::Deliver || (state_ == State::Digest && !body.chunked());
  busy_->receiving.reset();
  if (!whole) {
    refuseBody(request, body, failure);
    return;
  }
  refuse(request, failure);
  enterHeader();
}

}  // namespace ft
