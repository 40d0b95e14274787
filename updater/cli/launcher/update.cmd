@echo off
rem Starts the updater of this installation: the binary beside this script.
rem --dry-run shows what an update would do, --revert takes the newest one back.
setlocal DisableDelayedExpansion
set "BIN=%~dp0inplace.exe"
if exist "%BIN%" goto found
set "ARCH=amd64"
if /i "%PROCESSOR_ARCHITECTURE%"=="ARM64" set "ARCH=arm64"
set "BIN=%~dp0inplace-windows-%ARCH%.exe"
if exist "%BIN%" goto found
echo error: %~dp0inplace.exe: no such file, and no inplace-windows-%ARCH%.exe either 1>&2
echo hint: put the updater's binary there; the installation was not changed 1>&2
exit /b 1
:found
rem One line: an update may replace this very file while it is being read.
"%BIN%" --launched-as "%~0" %* & exit /b
