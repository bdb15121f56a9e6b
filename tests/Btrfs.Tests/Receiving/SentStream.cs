using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using Btrfs.Engine;
using Btrfs.Fuzz.Streams;
using Btrfs.Inode;
using Btrfs.Stream;

namespace Btrfs.Tests.Receiving;

/// <summary>What a subvolume holds, told by what is sent of it.</summary>
internal static partial class SentStream
{
    public static byte[] Of(ReceiverImage image, string subvolume, string? parent = null, bool compressed = false)
    {
        using BtrfsFileSystem fs = image.Open();
        using MemoryStream output = new();
        fs.Send(new SendRequest { Subvolumes = [subvolume], Parent = parent is { } path ? (FsPath)path : (FsPath?)null, Protocol = 2, CompressedData = compressed }, output);
        return output.ToArray();
    }

    /// <summary>
    /// A line for each command, without what differs between copies: numbers of transactions, times that a receive does not keep, and how data is cut into
    /// extents. For that a line for each file with what it holds.
    /// </summary>
    public static List<string> Digest(ReceiverImage image, string subvolume)
    {
        List<string> lines = [];
        using MemoryStream input = new(Of(image, subvolume));
        CommandReader reader = new(input);
        while (reader.Read())
        {
            StreamCommand command = reader.Current;
            if (command.Type is CommandType.Subvol or CommandType.Snapshot or CommandType.Write or CommandType.Clone or CommandType.Truncate)
                continue;
            StringBuilder line = new($"{command.Type}");
            for (AttributeType type = AttributeType.Uuid; AttributeTable.IsKnown(type); type++)
            {
                if (type is AttributeType.Ctime or AttributeType.Otime or AttributeType.CloneCtransid or AttributeType.CloneUuid or AttributeType.Ino
                    || !command.TryGetBytes(type, out ReadOnlySpan<byte> value))
                {
                    continue;
                }

                bool isPath = type is AttributeType.Path or AttributeType.PathTo or AttributeType.PathLink or AttributeType.ClonePath;
                line.Append(' ').Append(type).Append('=').Append(isPath ? OrphanName().Replace(Encoding.Latin1.GetString(value), "o") : Hash(value));
            }

            lines.Add(line.ToString());
        }

        using BtrfsFileSystem fs = image.Open();
        AddContents(fs, Encoding.UTF8.GetBytes(subvolume), lines);
        return lines;
    }

    /// <summary>Adds a line for each file below a directory.</summary>
    public static void AddContents(BtrfsFileSystem fs, byte[] directory, List<string> lines)
    {
        foreach (DirectoryEntry entry in fs.EnumerateDirectory(new FsPath(directory)))
        {
            byte[] path = [.. directory, (byte)'/', .. entry.NameBytes.Span];
            FileStatus status = fs.GetStatus(new FsPath(path));
            if (status.IsDirectory)
                AddContents(fs, path, lines);
            if (!status.IsRegular)
                continue;
            using System.IO.Stream content = fs.OpenFile(new FsPath(path));
            lines.Add($"{Encoding.Latin1.GetString(path)}: {status.Size} bytes, {status.AllocatedBytes} allocated, {Convert.ToHexStringLower(SHA256.HashData(content))}");
        }
    }

    private static string Hash(ReadOnlySpan<byte> bytes) => Convert.ToHexStringLower(SHA256.HashData(bytes)[..8]);

    [GeneratedRegex(@"o\d+-\d+-\d+")]
    private static partial Regex OrphanName();
}
