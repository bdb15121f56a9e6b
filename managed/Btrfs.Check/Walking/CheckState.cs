using Btrfs.Check.Extents;
using Btrfs.Ctree;
using Btrfs.Format;

namespace Btrfs.Check.Walking;

/// <summary>What the parts of one check share.</summary>
internal sealed class CheckState : IDisposable
{
    private readonly IProgress<string>? _progress;

    public CheckState(FsInfo fs, CheckOptions options, IProgress<string>? progress, CancellationToken cancellation)
    {
        Fs = fs;
        Options = options;
        _progress = progress;
        Cancellation = cancellation;
        Log = new FindingLog(options.MaxFindings);
        References = new ReferenceTally(this);
        Blocks = new BlockGate(this);
    }

    public FsInfo Fs { get; }

    public CheckOptions Options { get; }

    public CancellationToken Cancellation { get; }

    public FindingLog Log { get; }

    public CheckTotals Totals { get; } = new();

    public List<string> Notices { get; } = [];

    public ExtentTable Extents { get; } = new();

    public ReferenceTally References { get; }

    public ChecksumRanges Checksums { get; } = new();

    public BlockGate Blocks { get; }

    /// <summary>Whether every block of the extent tree was read: only then what it doesn't have is missing.</summary>
    public bool HasWholeExtentTree { get; set; }

    /// <summary>Whether every block of every tree was read: only then what nobody refers to is too much.</summary>
    public bool HasWholeTrees => !Blocks.HasFailed;

    /// <summary>Whether all of the csum tree was read.</summary>
    public bool HasWholeChecksumTree { get; set; }

    public void Dispose() => Blocks.Dispose();

    public void Stage(string name) => _progress?.Report(name);

    public bool Has(IncompatFlags flag) => (Fs.Superblock.Incompat & flag) == flag;

    public bool Has(CompatRoFlags flag) => (Fs.Superblock.CompatRo & flag) == flag;
}
