using Btrfs.Cli.Host;
using Btrfs.Cli.Text;
using Btrfs.Ctree;
using Btrfs.Inode;
using Btrfs.Inode.Names;

namespace Btrfs.Cli.Commands.Files;

/// <summary>Prints directories as ls does: a line for each entry, and for several directories the path of each before its entries.</summary>
internal sealed class Listing(FsInfo fs, TextOutput output, bool isLong, bool showsAll, CancellationToken stopped)
{
    /// <param name="path">A directory, or any other inode: then that alone.</param>
    /// <param name="isRecursive">Whether to go into directories.</param>
    public void Print(FsPath path, bool isRecursive)
    {
        Location start = new PathLookup(fs).Find(path, out Location above);
        FileStatus status = start.GetStatus(above.Inode);
        if (!status.IsDirectory)
        {
            Line(start, status, path.Bytes);
            return;
        }

        DirectoryWalk walk = new(fs, start);
        if (isRecursive)
            Recurse(walk, new PathText(path));
        else
            Entries(walk);
    }

    private void Recurse(DirectoryWalk walk, PathText path)
    {
        Header(path);
        Entries(walk);
        walk.Rewind();
        while (true)
        {
            if (!walk.TryRead(out DirEntry entry))
            {
                if (!walk.TryLeave())
                    return;
                path.Up();
                continue;
            }

            if (!IsShown(entry) || !walk.TargetStatus.IsDirectory)
                continue;

            path.Down(entry.Name);
            walk.Enter();
            output.Line();
            Header(path);
            Entries(walk);
            walk.Rewind();
        }
    }

    private void Entries(DirectoryWalk walk)
    {
        while (walk.TryRead(out DirEntry entry))
        {
            stopped.ThrowIfCancellationRequested();
            if (!IsShown(entry))
                continue;
            if (isLong)
                Line(walk.Target, walk.TargetStatus, entry.Name);
            else
                output.Append(entry.Name).Line();
        }
    }

    private void Line(Location at, FileStatus status, ReadOnlySpan<byte> name)
    {
        if (!isLong)
        {
            output.Append(name).Line();
            return;
        }

        string size = status.IsDeviceNode ? $"{status.DeviceMajor}, {status.DeviceMinor}" : $"{status.Size}";
        output.Append($"{ModeText.Format(status.Mode)} {status.LinkCount,3} {status.Uid,5} {status.Gid,5} {size,10} {TimeText.Short(status.MTime)} ").Append(name);
        if (status.IsSymbolicLink)
            output.Append(" -> ").Append(at.Subvolume.ReadLink(at.Inode));
        output.Line();
    }

    private void Header(PathText path) => output.Append(path.Bytes).Line(":");

    private bool IsShown(in DirEntry entry) => showsAll || entry.Name[0] != (byte)'.';
}
