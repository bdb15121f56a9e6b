namespace Btrfs.Fidelity.Kernel;

/// <summary>The error numbers that the judge tells apart (Linux, generic ABI).</summary>
internal static class Errno
{
    internal const int NoEntry = 2;
    internal const int Interrupted = 4;
    internal const int Busy = 16;
    internal const int Exists = 17;
    internal const int NoSpace = 28;
    internal const int ReadOnlyFileSystem = 30;
}
