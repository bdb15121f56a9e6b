using System.Globalization;
using Btrfs.Fidelity.Generator;
using Btrfs.Format;

namespace Btrfs.Sequences.Running;

/// <summary>How the two file systems of a seed are made and mounted, and what is done to them.</summary>
internal sealed record PairOptions
{
    private const long Mebibyte = 1 << 20;
    private const string GroupTree = "block-group-tree";

    public required string[] MkfsArguments { get; init; }

    /// <summary>Whether our mkfs makes both, and not mkfs.btrfs.</summary>
    public bool IsMadeByEngine { get; init; }

    /// <summary>Whether block groups have a tree of their own, of which btrfs-progs 6.2 know nothing.</summary>
    public bool HasGroupTree => MkfsArguments.Any(argument => argument.Contains(GroupTree, StringComparison.Ordinal));

    public required int DeviceCount { get; init; }

    public required long DeviceSizeBytes { get; init; }

    public required string MountOptions { get; init; }

    /// <summary>As the arguments of mkfs say it, and its default if they don't.</summary>
    public int NodeSize => Array.IndexOf(MkfsArguments, "-n") is >= 0 and var at ? int.Parse(MkfsArguments[at + 1], CultureInfo.InvariantCulture) : 16384;

    /// <summary>What the engine is told to compress with, as the mount option tells the kernel.</summary>
    public CompressionType? Compression { get; init; }

    public required Quota Quota { get; init; }

    /// <summary>Whether holes go without items.</summary>
    public bool HasNoHoles => !MkfsArguments.Any(argument => argument.Contains("^no-holes", StringComparison.Ordinal));

    /// <summary>Whether sequences have large writes until the file system is full.</summary>
    public required bool FillsUp { get; init; }

    /// <summary>Whether anything may be compressed: then a mount can't tell which blocks are shared, and marks what did not get smaller.</summary>
    public required bool UsesCompression { get; init; }

    /// <summary>Whether the mark "did not get smaller" is left out: which data is not even tried is guessed, in the kernel otherwise than here.</summary>
    public bool HidesNoCompress => UsesCompression;

    /// <summary>How many sequences, and how long each is.</summary>
    public required int Sequences { get; init; }

    public required int OperationsPerSequence { get; init; }

    public static PairOptions Choose(SeededRandom random)
    {
        bool fillsUp = random.Percent(12);
        bool mixed = random.Percent(8);
        int nodeSize = mixed ? 4096 : random.Pick([4096, 4096, 4096, 8192, 16384, 16384, 16384, 16384, 32768, 65536]);
        List<string> arguments = ["--csum", random.Pick(["crc32c", "crc32c", "crc32c", "xxhash", "sha256", "blake2"]), "-n", $"{nodeSize}"];
        (int devices, string data, string metadata) = ChooseProfiles(random, mixed);
        arguments.AddRange(["-d", data, "-m", metadata]);
        if (mixed)
            arguments.Add("-M");

        List<string> features = [];
        if (random.Percent(30))
            features.Add("^no-holes");
        if (random.Percent(8))
            features.Add("^skinny-metadata");
        if (random.Percent(6))
            features.Add("^extref");
        bool hasFreeSpaceTree = !random.Percent(10);

        // The kernel wants the other two where it has this one.
        bool hasGroupTree = random.Percent(8) && hasFreeSpaceTree && !features.Contains("^no-holes");
        if (hasGroupTree)
            features.Add(GroupTree);
        if (features.Count > 0)
            arguments.AddRange(["-O", string.Join(',', features)]);
        if (!hasFreeSpaceTree)
            arguments.AddRange(["-R", "^free-space-tree"]);

        // mkfs.btrfs refuses a device that is smaller than this with two copies of all data on it. And Linux reserves so many blocks for each change that with
        // large ones it is full before there is anything on a small device.
        long least = data == "dup" || (devices > 1 && metadata == "dup") ? 240 : 0;
        if (nodeSize > 16384 && !fillsUp)
            least = 1024;
        CompressionType? compression = random.Percent(20) ? random.Pick([CompressionType.Zlib, CompressionType.Lzo, CompressionType.Zstd]) : null;
        return new PairOptions
        {
            MkfsArguments = [.. arguments],
            IsMadeByEngine = hasGroupTree || random.Percent(12),
            DeviceCount = devices,
            DeviceSizeBytes = Math.Max(least, fillsUp ? random.Pick([128, 200]) : random.Pick([256, 512, 1024])) * Mebibyte,
            MountOptions = "nobarrier,noatime" + (compression is { } type ? $",compress={type.ToString().ToLowerInvariant()}" : ""),
            Compression = compression,
            Quota = random.Below(16) switch { 0 => Quota.Classic, 1 => Quota.Simple, _ => Quota.None },
            FillsUp = fillsUp,
            UsesCompression = compression is not null || random.Percent(25),
            Sequences = random.Between(5, 12),
            OperationsPerSequence = random.Pick([20, 40, 80, 150]),
        };
    }

    public override string ToString() =>
        $"{(IsMadeByEngine ? "btrfs-engine mkfs" : "mkfs.btrfs")} {string.Join(' ', MkfsArguments)} ({DeviceCount} x {DeviceSizeBytes / Mebibyte} MiB), mount -o {MountOptions}, quota {Quota},"
        + $"{(FillsUp ? " fills up," : "")}{(UsesCompression ? " compresses," : "")} {Sequences} sequences of {OperationsPerSequence}";

    private static (int Devices, string Data, string Metadata) ChooseProfiles(SeededRandom random, bool mixed)
    {
        if (mixed)
            return random.Pick<(int, string, string)>([(1, "single", "single"), (1, "dup", "dup"), (2, "raid1", "raid1")]);
        if (random.Percent(60))
            return (1, random.Percent(10) ? "dup" : "single", random.Pick(["single", "dup"]));
        return random.Pick(StateOptions.OverSeveralDevices);
    }
}
