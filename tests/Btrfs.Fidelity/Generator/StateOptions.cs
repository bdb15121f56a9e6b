namespace Btrfs.Fidelity.Generator;

/// <summary>How a file system of the random kind is made, mounted and exercised; all of it follows from the seed.</summary>
internal sealed record StateOptions
{
    private const long Mebibyte = 1L << 20;

    public required string[] MkfsArguments { get; init; }

    public required int DeviceCount { get; init; }

    public required long DeviceSizeBytes { get; init; }

    public required string MountOptions { get; init; }

    public required Quota Quota { get; init; }

    public required OperationMix Mix { get; init; }

    public required int NodeSizeBytes { get; init; }

    public required int Rounds { get; init; }

    public required int OperationsPerRound { get; init; }

    /// <summary>How many bytes all the writes of the state may make.</summary>
    public required long DataBudgetBytes { get; init; }

    /// <summary>True if the file system changes its fsid after it was made, so that metadata_uuid differs from it.</summary>
    public required bool HasOwnMetadataUuid { get; init; }

    /// <summary>True if a later tune may switch no-holes on: the file system then has holes of both kinds.</summary>
    public bool CanGetNoHoles => DeviceCount == 1 && Quota != Quota.Simple && MkfsArguments.Any(argument => argument.Contains("^no-holes", StringComparison.Ordinal));

    public static StateOptions Choose(ulong seed, SeededRandom random)
    {
        List<string> arguments = ["--csum", random.Pick(["crc32c", "crc32c", "crc32c", "xxhash", "sha256", "blake2"])];
        bool mixed = random.Percent(6);
        int nodeSize = mixed ? 4096 : random.Pick([4096, 4096, 4096, 16384, 16384, 16384, 16384, 32768, 65536]);
        arguments.AddRange(["-n", $"{nodeSize}"]);

        (int devices, string data, string metadata) = ChooseProfiles(random, mixed);
        arguments.AddRange(["-d", data, "-m", metadata]);

        List<string> features = [];
        if (mixed)
            arguments.Add("-M");
        if (random.Percent(35))
            features.Add("^no-holes");
        if (random.Percent(6))
            features.Add("^skinny-metadata");
        if (random.Percent(4))
            features.Add("^extref");
        if (features.Count > 0)
            arguments.AddRange(["-O", string.Join(',', features)]);
        if (random.Percent(10))
            arguments.AddRange(["-R", "^free-space-tree"]);

        return new StateOptions
        {
            MkfsArguments = [.. arguments],
            DeviceCount = devices,
            DeviceSizeBytes = (devices == 1 ? 768 : 384) * Mebibyte,
            MountOptions = ChooseMountOptions(random),
            Quota = random.Below(20) switch { 0 => Quota.Classic, 1 or 2 => Quota.Simple, _ => Quota.None },
            // In turn, so that a few neighbouring seeds have all of them.
            Mix = OperationMix.All[(int)(seed % (ulong)OperationMix.All.Length)],
            // With one device only: btrfstune finds the others of a file system by scanning, which image files escape.
            HasOwnMetadataUuid = random.Percent(8) && devices == 1,
            NodeSizeBytes = nodeSize,
            Rounds = random.Between(3, 8),
            OperationsPerRound = random.Pick([30, 80, 120, 200, 300]),
            DataBudgetBytes = random.Pick([1, 3, 3, 6, 6, 12]) * Mebibyte,
        };
    }

    public override string ToString() =>
        $"mkfs.btrfs {string.Join(' ', MkfsArguments)} ({DeviceCount} x {DeviceSizeBytes / Mebibyte} MiB{(HasOwnMetadataUuid ? ", metadata_uuid" : "")}), mount -o {MountOptions}, quota {Quota},"
        + $" mix {Mix.Name}, {Rounds} rounds of {OperationsPerRound}, {DataBudgetBytes / Mebibyte} MiB of data";

    /// <summary>Profiles of data and metadata that take more than one device, with how many.</summary>
    internal static (int Devices, string Data, string Metadata)[] OverSeveralDevices { get; } =
    [
        (2, "raid0", "raid1"),
        (2, "raid1", "raid1"),
        (2, "single", "raid0"),
        (3, "raid5", "raid1"),
        (3, "raid5", "raid5"),
        (3, "raid1c3", "raid1c3"),
        (3, "raid0", "dup"),
        (4, "raid10", "raid10"),
        (4, "raid6", "raid6"),
        (4, "raid6", "raid1c4"),
        (4, "raid1c4", "raid1c3"),
        (4, "raid1", "raid10"),
    ];

    private static (int Devices, string Data, string Metadata) ChooseProfiles(SeededRandom random, bool mixed)
    {
        if (random.Percent(mixed ? 100 : 70))
        {
            string profile = random.Pick(["single", "dup"]);
            return mixed ? (1, profile, profile) : (1, random.Percent(10) ? "dup" : "single", profile);
        }

        return random.Pick(OverSeveralDevices);
    }

    internal static string ChooseMountOptions(SeededRandom random)
    {
        // The images live as long as the test: waiting for them to reach a disk would only cost time.
        List<string> options = ["nobarrier"];
        string compression = random.Pick(["", "", "", "", "zlib", "lzo", "zstd", "zlib:9", "zstd:12"]);
        if (compression.Length > 0)
            options.Add((random.Percent(40) ? "compress-force=" : "compress=") + compression);
        else if (random.Percent(8))
            options.Add("nodatacow");
        else if (random.Percent(5))
            options.Add("nodatasum");
        int inlineChoice = random.Below(10);
        if (inlineChoice == 0)
            options.Add("max_inline=0");
        else if (inlineChoice <= 2)
            options.Add("max_inline=4095");
        if (random.Percent(20))
            options.Add("noatime");
        if (random.Percent(30))
            options.Add("nodiscard");
        if (random.Percent(10))
            options.Add("flushoncommit");
        return string.Join(',', options);
    }
}

/// <summary>The kinds of quota that leave their traces in the trees.</summary>
internal enum Quota
{
    None,
    Classic,
    Simple,
}
