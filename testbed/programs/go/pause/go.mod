module archesai.test/pause

go 1.24.0
