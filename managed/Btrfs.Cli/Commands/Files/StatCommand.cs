using System.CommandLine;
using System.Globalization;
using Btrfs.Cli.Host;
using Btrfs.Cli.Text;
using Btrfs.Ctree;
using Btrfs.Engine;
using Btrfs.Format;
using Btrfs.Inode;
using Btrfs.Inode.Names;

namespace Btrfs.Cli.Commands.Files;

/// <summary><c>stat</c>: all that is known of one inode, a "key: value" line each.</summary>
internal static class StatCommand
{
    public static Command Create()
    {
        Command command = new("stat", "Tell all that is known of a file or directory, its extended attributes included.");
        ImageArguments image = new(command, 1, ("PATH", "A path from the top level (subvolume 5)"));
        command.SetAction(parsed =>
        {
            (IReadOnlyList<string> devices, IReadOnlyList<string> paths) = image.Split(parsed);
            using BtrfsFileSystem fs = ImageArguments.Open(devices);
            FsPath path = new(RawArguments.BytesOf(paths[0]));
            TextOutput.Use(output => Print(fs.Info, path, output));
        });
        return command;
    }

    private static void Print(FsInfo fs, FsPath path, TextOutput output)
    {
        Location at = new PathLookup(fs).Find(path, out Location above);
        FileStatus status = at.GetStatus(above.Inode);
        output.Append("Path: ").Append(path.Bytes).Line();
        output.Line($"Type: {ModeText.TypeName(status.Mode)}{(at.IsSubvolumeTop ? ", top of a subvolume" : at.IsEmptySubvolumeDirectory ? ", in the place of a subvolume" : "")}");
        output.Line($"Subvolume: {status.SubvolumeId}");
        output.Line($"Inode: {status.Inode}");
        output.Line($"Generation: {status.Generation}");
        output.Line($"Transid: {status.TransId}");
        output.Line($"Mode: {Convert.ToString(status.Mode & 0xFFF, 8).PadLeft(4, '0')} ({ModeText.Format(status.Mode)})");
        output.Line($"Links: {status.LinkCount}");
        output.Line($"Uid: {status.Uid}");
        output.Line($"Gid: {status.Gid}");
        output.Line($"Size: {status.Size}");
        output.Line($"Allocated: {status.AllocatedBytes}");
        if (status.IsDeviceNode)
            output.Line($"Device: {status.DeviceMajor}, {status.DeviceMinor}");
        if (status.IsSymbolicLink)
            output.Append("Target: ").Append(at.Subvolume.ReadLink(at.Inode)).Line();
        output.Line(string.Create(CultureInfo.InvariantCulture, $"Flags: 0x{(ulong)status.Flags:x} ({(status.Flags == InodeFlags.None ? "-" : status.Flags)})"));
        output.Line($"Access: {TimeText.Full(status.ATime)}");
        output.Line($"Modify: {TimeText.Full(status.MTime)}");
        output.Line($"Change: {TimeText.Full(status.CTime)}");
        output.Line($"Birth: {TimeText.Full(status.OTime)}");
        if (!at.IsEmptySubvolumeDirectory)
        {
            foreach (Xattr xattr in at.Subvolume.EnumerateXattrs(at.Inode))
                output.Append("Xattr: ").Append(xattr.Name).Append("=").Line(XattrText.Format(xattr));
        }
    }
}
