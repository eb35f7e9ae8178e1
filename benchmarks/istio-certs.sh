#!/bin/sh
# istio-certs.sh DIRECTORY CLUSTER...: the files that tools/certs/Makefile.selfsigned.mk of Istio 1.31 makes
# (`make root-ca CLUSTER-cacerts...`), by the same openssl commands. KEY_SIZE=2048 makes smaller keys; Istio's are 4096.
set -eu
cd "$1"
shift
bits=${KEY_SIZE:-4096}
usage='critical, digitalSignature, nonRepudiation, keyEncipherment, keyCertSign'

config() { # BASIC_CONSTRAINTS NAMES [SAN]
    printf '[req]\nencrypt_key = no\nprompt = no\nutf8 = yes\ndefault_md = sha256\n'
    printf 'req_extensions = req_ext\nx509_extensions = req_ext\ndistinguished_name = req_dn\n'
    printf '[req_ext]\nsubjectKeyIdentifier = hash\nbasicConstraints = critical, %s\nkeyUsage = %s\n' "$1" "$usage"
    [ -z "${3-}" ] || printf 'subjectAltName = DNS:%s\n' "$3"
    printf '[req_dn]\n%b\n' "$2"
}

config CA:true 'O = Istio\nCN = Root CA' >root-ca.conf
openssl genrsa -out root-key.pem "$bits"
openssl req -sha256 -new -key root-key.pem -config root-ca.conf -out root-cert.csr
openssl x509 -req -sha256 -days 3650 -signkey root-key.pem -extensions req_ext -extfile root-ca.conf \
    -in root-cert.csr -out root-cert.pem

for cluster; do
    mkdir -p "$cluster"
    openssl genrsa -out "$cluster/ca-key.pem" "$bits"
    config CA:true,pathlen:0 "O = Istio\nCN = Intermediate CA\nL = $cluster" istiod.istio-system.svc \
        >"$cluster/intermediate.conf"
    openssl req -sha256 -new -config "$cluster/intermediate.conf" -key "$cluster/ca-key.pem" \
        -out "$cluster/cluster-ca.csr"
    openssl x509 -req -sha256 -days 3650 -CA root-cert.pem -CAkey root-key.pem -CAcreateserial \
        -extensions req_ext -extfile "$cluster/intermediate.conf" -in "$cluster/cluster-ca.csr" \
        -out "$cluster/ca-cert.pem"
    cat "$cluster/ca-cert.pem" root-cert.pem >"$cluster/cert-chain.pem"
    cp root-cert.pem "$cluster/"
done
