namespace Btrfs.Cli.Commands.Inspect;

/// <summary>Tells what could not be shown, in its place among what was.</summary>
/// <param name="output">Flushed first, so that what was printed before a fault stands before its line.</param>
/// <param name="tell">Takes a line.</param>
internal sealed class FaultReport(DumpOutput output, Action<string> tell)
{
    /// <summary>A failure once anything could not be shown.</summary>
    public int Code { get; private set; } = ExitCode.Success;

    public void Tell(string message)
    {
        output.Flush();
        tell($"ERROR: {message}");
        Code = ExitCode.Failure;
    }
}
