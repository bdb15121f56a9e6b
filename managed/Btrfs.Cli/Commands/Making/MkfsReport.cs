using Btrfs.Cli.Host;
using Btrfs.Cli.Text;
using Btrfs.Format;
using Btrfs.Space.Making;

namespace Btrfs.Cli.Commands.Making;

/// <summary>The summary of what was made, as mkfs.btrfs prints it.</summary>
internal sealed class MkfsReport(MakeResult made, bool isVerbose)
{
    private const int NameWidth = 20;
    private const MakeFeatures RuntimeFeatures =
        MakeFeatures.FreeSpaceTree | MakeFeatures.BlockGroupTree | MakeFeatures.Quota | MakeFeatures.SimpleQuota;

    public static void ListFeatures(TextOutput output)
    {
        output.Line("Filesystem features available:");
        foreach (NamedFeature feature in MakeFeatureNames.All)
            output.Line($"{feature.Name,-19} - {feature.Description}{((MakeFeatures.Default & feature.Feature) != 0 ? " (default)" : "")}");
    }

    public void Print(TextOutput output)
    {
        output.Append($"{"Label:",-NameWidth}");
        if (made.Label.IsEmpty)
            output.Line("(null)");
        else
            output.Append(made.Label.Span).Line();

        Field(output, "UUID", made.Fsid.ToString());
        Field(output, "Node size", $"{made.NodeSize}");
        Field(output, "Sector size", $"{made.SectorSize}");
        Field(output, "Filesystem size", Size(made.TotalBytes));
        output.Line("Block group profiles:");
        foreach (MadeChunk chunk in made.Chunks.OrderBy(chunk => RankOf(chunk.Type)))
        {
            string start = isVerbose ? $"  at {chunk.Start}" : "";
            output.Line($"  {ProfileText.TypeName(chunk.Type) + ":",-18}{ProfileText.ProfileName(chunk.Type),-8}{Size(chunk.Length),15}{start}");
        }

        Field(output, "Incompat features", string.Join(", ", MakeFeatureNames.Of(made.Features & ~RuntimeFeatures)));
        Field(output, "Runtime features", string.Join(", ", MakeFeatureNames.Of(made.Features & RuntimeFeatures)));
        Field(output, "Checksum", NameOf(made.Checksum));
        Field(output, "Number of devices", $"{made.Devices.Count}");
        output.Line("Devices:");
        output.Line($"   ID{"SIZE",12}  PATH");
        foreach (MadeDevice device in made.Devices)
            output.Line($"{device.Id,5}{Size(device.Bytes),12}  {device.Name}");
        output.Line();
    }

    private static void Field(TextOutput output, string name, string value) => output.Line($"{name + ":",-NameWidth}{value}");

    private static string Size(ulong bytes) => ByteSize.Human((long)bytes);

    private static int RankOf(BlockGroupFlags type) =>
        (type & BlockGroupFlags.Data) != 0 ? 0 : (type & BlockGroupFlags.Metadata) != 0 ? 1 : 2;

    private static string NameOf(ChecksumType type) => type switch
    {
        ChecksumType.Crc32C => "crc32c",
        ChecksumType.XxHash64 => "xxhash64",
        ChecksumType.Sha256 => "sha256",
        _ => "blake2b",
    };
}
