using System.Numerics;
using Btrfs.Format;
using Btrfs.Space.Groups;

namespace Btrfs.Space.Making;

/// <summary>The options with all defaults filled in, for a number of devices; what stands here fits together.</summary>
internal sealed class MakeSettings
{
    /// <summary>Every block and every item is of the first transaction.</summary>
    public const ulong Generation = 1;

    private const int DefaultNodeSize = 16 * 1024;

    private readonly List<string> _warnings = [];

    /// <exception cref="InvalidRequestException">Options contradict each other, or the format.</exception>
    public MakeSettings(MakeOptions options, int deviceCount)
    {
        Features = options.Features;
        SectorSize = options.SectorSize;
        NodeSize = options.NodeSize ?? (IsMixed ? SectorSize : Math.Max(DefaultNodeSize, SectorSize));
        Checksum = options.Checksum;
        Seconds = options.Time.ToUnixTimeSeconds();
        Label = options.Label;
        Data = ProfileRule.For(options.DataProfile ?? BlockGroupFlags.None);
        Metadata = ProfileRule.For(options.MetadataProfile ?? DefaultMetadata(deviceCount));
        VerifySizes();
        VerifyLabel();
        VerifyFeatures();
        VerifyProfiles(deviceCount);
        Features |= ImpliedBy(Data) | ImpliedBy(Metadata);
    }

    public MakeFeatures Features { get; }

    public int SectorSize { get; }

    public int NodeSize { get; }

    public ChecksumType Checksum { get; }

    /// <summary>Since 1970.</summary>
    public long Seconds { get; }

    public ReadOnlyMemory<byte> Label { get; }

    public ProfileRule Data { get; }

    public ProfileRule Metadata { get; }

    public bool IsMixed => Has(MakeFeatures.MixedGroups);

    public IReadOnlyList<string> Warnings => _warnings;

    public IncompatFlags Incompat =>
        IncompatFlags.MixedBackref
        | Flag(MakeFeatures.MixedGroups, IncompatFlags.MixedGroups)
        | Flag(MakeFeatures.ExtendedIref, IncompatFlags.ExtendedIref)
        | Flag(MakeFeatures.Raid56, IncompatFlags.Raid56)
        | Flag(MakeFeatures.SkinnyMetadata, IncompatFlags.SkinnyMetadata)
        | Flag(MakeFeatures.NoHoles, IncompatFlags.NoHoles)
        | Flag(MakeFeatures.Raid1C34, IncompatFlags.Raid1C34)
        | Flag(MakeFeatures.SimpleQuota, IncompatFlags.SimpleQuota);

    public CompatRoFlags CompatRo =>
        (Has(MakeFeatures.FreeSpaceTree) ? CompatRoFlags.FreeSpaceTree | CompatRoFlags.FreeSpaceTreeValid : CompatRoFlags.None)
        | (Has(MakeFeatures.BlockGroupTree) ? CompatRoFlags.BlockGroupTree : CompatRoFlags.None);

    public bool Has(MakeFeatures feature) => (Features & feature) != 0;

    /// <summary>
    /// The least that a device may have. It counts what mkfs.btrfs counts: the first MiB, the single chunks that it begins with, and one chunk of each kind.
    /// </summary>
    public ulong MinDeviceBytes
    {
        get
        {
            if (IsMixed)
                return 16 * ChunkSizes.MiB;

            ulong metadata = (Metadata.Profile == 0 ? ChunkSizes.FirstGroup : ChunkSizes.MinMetadataStripe) + ChunkSizes.SystemStripe;
            ulong data = Data.Profile == 0 ? ChunkSizes.FirstGroup : ChunkSizes.MinDataStripe;
            return ChunkSizes.Reserved + ChunkSizes.FirstSystem + 2 * ChunkSizes.FirstGroup
                + metadata * (ulong)Metadata.StripesPerDevice + data * (ulong)Data.StripesPerDevice;
        }
    }

    private BlockGroupFlags DefaultMetadata(int deviceCount) =>
        IsMixed ? BlockGroupFlags.None : deviceCount > 1 ? BlockGroupFlags.Raid1 : BlockGroupFlags.Dup;

    private void VerifySizes()
    {
        if (!BitOperations.IsPow2(SectorSize) || SectorSize is < FormatLimits.MinNodeSize or > FormatLimits.MaxNodeSize)
            throw new InvalidRequestException($"invalid sector size {SectorSize}, expected a power of two from 4096 to 65536");
        if (!BitOperations.IsPow2(NodeSize) || NodeSize is < FormatLimits.MinNodeSize or > FormatLimits.MaxNodeSize)
            throw new InvalidRequestException($"invalid node size {NodeSize}, expected a power of two from 4096 to 65536");
        if (NodeSize < SectorSize)
            throw new InvalidRequestException($"invalid node size {NodeSize}, it is smaller than the sector size {SectorSize}");
        if (IsMixed && NodeSize != SectorSize)
            throw new InvalidRequestException($"invalid node size {NodeSize}, mixed block groups need it equal to the sector size {SectorSize}");
        if (SectorSize != Environment.SystemPageSize)
            _warnings.Add($"the file system may not be mountable, sector size {SectorSize} doesn't match page size {Environment.SystemPageSize}");
    }

    private void VerifyLabel()
    {
        if (Label.Length >= FormatLimits.LabelSize)
            throw new InvalidRequestException($"the label is too long: {Label.Length} bytes, at most {FormatLimits.LabelSize - 1} fit");
        if (Label.Span.IndexOfAny((byte)0, (byte)'\n') >= 0)
            throw new InvalidRequestException("the label contains a zero byte or a line break");
    }

    private void VerifyFeatures()
    {
        if (Has(MakeFeatures.BlockGroupTree) && (!Has(MakeFeatures.FreeSpaceTree) || !Has(MakeFeatures.NoHoles)))
            throw new InvalidRequestException("block-group-tree needs free-space-tree and no-holes");
        if (Has(MakeFeatures.Quota) && Has(MakeFeatures.SimpleQuota))
            throw new InvalidRequestException("quota and squota can't both be on");
    }

    private void VerifyProfiles(int deviceCount)
    {
        if (IsMixed && Data != Metadata)
            throw new InvalidRequestException($"with mixed block groups data and metadata profiles must be the same, not {Data.Name} and {Metadata.Name}");

        VerifyDeviceCount("metadata", Metadata, deviceCount);
        VerifyDeviceCount("data", Data, deviceCount);
        if (Data.Parity + Metadata.Parity > 0)
            _warnings.Add("raid5 and raid6 have known problems in the kernel, don't use them for more than tests");
        if (Metadata.Redundancy < Data.Redundancy)
            _warnings.Add("metadata has lower redundancy than data");
    }

    private void VerifyDeviceCount(string kind, ProfileRule rule, int deviceCount)
    {
        if (deviceCount < rule.MinDevices)
        {
            throw new InvalidRequestException(
                $"{kind} profile {rule.Name} needs {rule.MinDevices} devices, and {(deviceCount == 1 ? "only 1 is" : $"only {deviceCount} are")} given");
        }

        if (rule.Parity > 0 && deviceCount == rule.MinDevices)
            _warnings.Add($"{kind} profile {rule.Name} is not recommended on {deviceCount} devices only");
    }

    private static MakeFeatures ImpliedBy(ProfileRule rule) =>
        rule.Parity > 0 ? MakeFeatures.Raid56 : rule.Copies > 2 ? MakeFeatures.Raid1C34 : MakeFeatures.None;

    private IncompatFlags Flag(MakeFeatures feature, IncompatFlags flag) => Has(feature) ? flag : IncompatFlags.None;
}
