using Btrfs.Fidelity;

namespace Btrfs.Benchmarks.Macro;

/// <summary>One row of the table: what is sent, whereto, and from a warm page cache or a cold one.</summary>
/// <param name="Name">What the row is called on the command line; the image's name begins it.</param>
/// <param name="Workload">The file system.</param>
/// <param name="Request">What is sent of it.</param>
/// <param name="Sink">Where the stream goes.</param>
/// <param name="Floor">The ratio to the kernel's speed that is to be reached.</param>
/// <param name="IsCold">Neither side finds anything of the image in memory.</param>
/// <param name="Verifies">Whether we hold the data against its checksums; the kernel always does when it reads it from the disk.</param>
/// <param name="Limit">What it is held against.</param>
/// <param name="ClonesAll">Whether we clone what the kernel finds shared too widely: then the streams differ.</param>
internal sealed record Measurement(
    string Name, Workload Workload, SendRequest Request, double Floor, SinkKind Sink = SinkKind.Pipe, bool IsCold = false, bool Verifies = true, LimitKind Limit = LimitKind.None, bool ClonesAll = false)
{
    private static readonly SendRequest s_full = new() { Subvolume = "snap" };
    private static readonly SendRequest s_difference = new() { Subvolume = "after", Parent = "before", CloneSources = ["before"] };

    public static IReadOnlyList<Measurement> All { get; } =
    [
        new("big", Workload.Big, s_full, 4, Limit: LimitKind.PipeThatIsRead),
        new("big-unseen", Workload.Big, s_full, 5.5, Verifies: false, Limit: LimitKind.PipeThatIsRead),
        new("big-null", Workload.Big, s_full, 10, SinkKind.Nothing, Limit: LimitKind.ReadAndSum),
        new("big-splice", Workload.Big, s_full, 10, SinkKind.SplicedPipe, Limit: LimitKind.ReadAndSum),
        new("big-unseen-null", Workload.Big, s_full, 10, SinkKind.Nothing, Verifies: false),
        new("big-unseen-splice", Workload.Big, s_full, 10, SinkKind.SplicedPipe, Verifies: false, Limit: LimitKind.PipeThatIsSpliced),
        new("big-file", Workload.Big, s_full, 1, SinkKind.File),
        new("big-cold", Workload.Big, s_full, 2, IsCold: true, Limit: LimitKind.ColdRead),
        new("big-unseen-cold", Workload.Big, s_full, 2, IsCold: true, Verifies: false, Limit: LimitKind.ColdRead),
        new("small", Workload.Small, s_full, 8),
        new("small-cold", Workload.Small, s_full, 8, IsCold: true),
        new("incremental", Workload.Incremental, s_difference, 2),
        new("incremental-cold", Workload.Incremental, s_difference, 4, IsCold: true),
        new("reflinks", Workload.Reflinks, s_full, 10),
        new("references", Workload.References, s_full, 10),
        new("references-clones", Workload.References, s_full, 10, ClonesAll: true),
        new("zstd", Workload.Compressed, new SendRequest { Subvolume = "snap", Protocol = 2, CompressedData = true }, 5),
        new("zstd-unseen", Workload.Compressed, new SendRequest { Subvolume = "snap", Protocol = 2, CompressedData = true }, 5, Verifies: false),
        new("zstd-v1", Workload.Compressed, s_full, 2),
    ];

    public string Title => Workload.Title
        + (Request.CompressedData ? ", sent compressed" : Workload == Workload.Compressed ? ", sent decompressed" : "")
        + Sink switch
        {
            SinkKind.Nothing => ", to /dev/null",
            SinkKind.SplicedPipe => ", to a sink that splices",
            SinkKind.File => ", into a file",
            _ => "",
        }
        + (IsCold ? ", cold" : "")
        + (ClonesAll ? ", all cloned" : "")
        + (Verifies ? "" : ", data not touched");

    /// <summary>The same for our library.</summary>
    public Btrfs.Engine.SendRequest OurRequest => new()
    {
        Subvolumes = [Request.Subvolume],
        Parent = Request.Parent is { } parent ? (Btrfs.Inode.FsPath?)parent : null,
        Protocol = Request.Protocol,
        CompressedData = Request.CompressedData,
        VerifyData = Verifies,
        CloneAll = ClonesAll,
    };
}
