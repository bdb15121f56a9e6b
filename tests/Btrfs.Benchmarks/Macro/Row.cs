namespace Btrfs.Benchmarks.Macro;

/// <summary>What was measured of one piece of work.</summary>
/// <param name="Title">What it is, for a table.</param>
/// <param name="KernelMilliseconds">Median of the kernel's side.</param>
/// <param name="OurMilliseconds">Median of ours.</param>
/// <param name="Floor">How many times the kernel's speed it is to be.</param>
/// <param name="StreamBytes">Length of the stream; 0 where nobody counted.</param>
/// <param name="PeakMebibytes">The most memory that a process of ours had for it.</param>
/// <param name="Limit">What it can't be faster than; null where no single limit fits.</param>
internal sealed record Row(string Title, double KernelMilliseconds, double OurMilliseconds, double Floor, long StreamBytes, double PeakMebibytes, Limit? Limit)
{
    public double Ratio => KernelMilliseconds / OurMilliseconds;

    public double MegabytesPerSecond => StreamBytes / OurMilliseconds / 1000;
}

/// <summary>A speed that the machine itself has.</summary>
/// <param name="Title">Of what.</param>
/// <param name="MegabytesPerSecond">Best of several times.</param>
internal sealed record Limit(string Title, double MegabytesPerSecond);

/// <summary>Which limit a measurement is held against.</summary>
internal enum LimitKind
{
    None,

    /// <summary>Headers written and pages spliced into a pipe that a thread reads.</summary>
    PipeThatIsRead,

    /// <summary>The same, but the thread splices on.</summary>
    PipeThatIsSpliced,

    /// <summary>Reading from the page cache and summing.</summary>
    ReadAndSum,

    /// <summary>dd with its best block size, in turns with the row: see <see cref="ColdReads"/>.</summary>
    ColdRead,
}
