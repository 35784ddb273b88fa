#!/bin/sh
# Two plain requests, each by a curl of its own: what a login's way back is held
# against. The certificate is verified, by $CURL_CA_BUNDLE.
curl -sS "$1" && curl -sS "$2"
