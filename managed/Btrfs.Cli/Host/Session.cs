using System.Runtime.InteropServices;

namespace Btrfs.Cli.Host;

/// <summary>
/// The life of one command under signals: the first SIGINT, SIGTERM or SIGHUP asks the command to stop; if it doesn't soon (it may hang in a write that
/// nobody takes), or at a second one, the process ends, and temporary files with it.
/// </summary>
internal sealed class Session : IDisposable
{
    private static readonly TimeSpan s_grace = TimeSpan.FromSeconds(2);

    private readonly CancellationTokenSource _stop = new();
    private readonly PosixSignalRegistration[] _registrations;

    public Session() => _registrations =
    [
        PosixSignalRegistration.Create(PosixSignal.SIGINT, context => OnSignal(context, 2)),
        PosixSignalRegistration.Create(PosixSignal.SIGTERM, context => OnSignal(context, 15)),
        PosixSignalRegistration.Create(PosixSignal.SIGHUP, context => OnSignal(context, 1)),
    ];

    /// <summary>The number of the signal that stopped the command.</summary>
    public static int LastSignal { get; private set; } = 2;

    public CancellationToken Stopped => _stop.Token;

    public void Dispose()
    {
        foreach (PosixSignalRegistration registration in _registrations)
            registration.Dispose();
        _stop.Dispose();
    }

    private void OnSignal(PosixSignalContext context, int number)
    {
        context.Cancel = true;
        LastSignal = number;
        if (!_stop.IsCancellationRequested)
        {
            _stop.Cancel();
            Thread.Sleep(s_grace);
        }

        Environment.Exit(ExitCode.SignalBase + number);
    }
}
