#!/bin/sh
# libpq reads everything from $DATABASE_URL but the password, which must not stand on a command line.

unescape() { # unescape TEXT: percent escapes as the bytes that they stand for, in $unescaped
  rest=$1
  unescaped=
  while :; do
    case $rest in
      *%[0-9A-Fa-f][0-9A-Fa-f]*)
        after="${rest#*%??}"
        hex=${rest#*%}
        hex=${hex%"$after"}
        case $hex in
          [01]? | 7[Ff]) echo 'connection: the password in the URL has a control character' >&2; exit 78 ;;
        esac
        unescaped=$unescaped${rest%%\%*}$(printf '%b' "\\0$(printf %03o "0x$hex")")
        rest=$after
        ;;
      *)
        unescaped=$unescaped$rest
        return
        ;;
    esac
  done
}

connect() { # connect URL: sets $scheme, $authority, $server, $query, $url without the password, and PGPASSWORD
  scheme=${1%%://*}
  rest=${1#*://}
  authority=${rest%%[/?]*}
  path=${rest#"$authority"}
  parameters=
  case $path in *\?*) parameters=${path#*\?}; path=${path%%\?*} ;; esac
  secret=
  case $authority in
    *@*)
      user=${authority%%@*}
      authority=${authority#*@}
      case $user in *:*) secret=${user#*:} ;; esac
      server=$authority
      authority=${user%%:*}@$authority
      ;;
    *) server=$authority ;;
  esac
  query=
  while [ -n "$parameters" ]; do
    parameter=${parameters%%&*}
    parameters=${parameters#"$parameter"}
    parameters=${parameters#&}
    case $parameter in
      password=*) secret=${parameter#password=} ;;
      *) query=$query${query:+&}$parameter ;;
    esac
  done
  query=${query:+?$query}
  unescape "$secret"
  export PGPASSWORD="$unescaped"
  url=$scheme://$authority$path$query
}

administer() { # the administrator that the manifest names, in place of the URL's user, for what changes the server
  [ -n "${ADMINISTRATOR-}" ] || return 0
  authority=$ADMINISTRATOR@$server
  unescaped=$ADMINISTRATOR_PASSWORD
  export PGPASSWORD="$unescaped"
  url=$scheme://$authority$path$query
}

url_of() { # url_of DATABASE: another database of the same server
  echo "$scheme://$authority/$1$query"
}

url_as() { # url_as ROLE DATABASE: the same server as another role, whose name needs no escapes
  echo "$scheme://$1@$server/$2$query"
}

# The database's owner may set another search path for it, with functions of its own before the server's.
sql() { # sql URL [psql options]: runs the statements of standard input, prints values
  target=$1
  shift
  psql -X -q -A -t -w -v ON_ERROR_STOP=1 -d "$target" "$@" -c 'SET search_path = pg_catalog' -f -
}

ask() { # ask SQL [psql options]: one value
  statement=$1
  shift
  printf '%s\n' "$statement" | sql "$url" "$@"
}
