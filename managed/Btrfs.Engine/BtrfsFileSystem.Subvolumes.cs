using Btrfs.Format;
using Btrfs.Inode;
using Btrfs.Inode.Changes;
using Btrfs.Inode.Subvolumes;
using Btrfs.Space.Transactions;
using Btrfs.Space.Usage;

namespace Btrfs.Engine;

/// <summary>The members that change subvolumes, and the file system as a whole.</summary>
public sealed partial class BtrfsFileSystem
{
    private SubvolumeOperations Operations => new(Subvolumes);

    /// <summary>Makes an empty subvolume.</summary>
    /// <param name="path">Its directory must be there, and nothing of its name.</param>
    /// <param name="uuid">A new one where it is null.</param>
    /// <returns>Its id.</returns>
    public ulong CreateSubvolume(FsPath path, Uuid? uuid = null)
    {
        lock (_changes)
        {
            (Location directory, byte[] name) = FindParent(path);
            return Operations.Create(directory.Subvolume.Id, directory.Inode, name, uuid);
        }
    }

    /// <summary>Makes a snapshot, and commits.</summary>
    /// <param name="source">A subvolume.</param>
    /// <param name="path">Its directory must be there, and nothing of its name.</param>
    /// <param name="isReadOnly">Whether it can't be changed: what a send takes.</param>
    /// <param name="uuid">A new one where it is null.</param>
    /// <returns>Its id.</returns>
    public ulong CreateSnapshot(FsPath source, FsPath path, bool isReadOnly, Uuid? uuid = null)
    {
        lock (_changes)
        {
            ulong id = FindSubvolume(source);
            Delalloc.FlushRoot(id);
            (Location directory, byte[] name) = FindParent(path);
            return Operations.Snapshot(id, directory.Subvolume.Id, directory.Inode, name, isReadOnly, uuid);
        }
    }

    /// <summary>Deletes a subvolume that holds no other. Its space comes back with <see cref="CleanUp"/>, or when the file system is next opened for writing.</summary>
    public void DeleteSubvolume(FsPath path)
    {
        lock (_changes)
        {
            FindSubvolume(path);
            (Location directory, byte[] name) = FindParent(path);
            Operations.Delete(directory.Subvolume.Id, directory.Inode, name);
        }
    }

    /// <summary>Makes a subvolume read-only, or not. When it becomes writable, it forgets what it was received from.</summary>
    public void SetReadOnly(FsPath path, bool isReadOnly)
    {
        lock (_changes)
            Operations.SetReadOnly(FindSubvolume(path), isReadOnly);
    }

    /// <summary>Says which subvolume the kernel mounts when it isn't told.</summary>
    public void SetDefaultSubvolume(FsPath path)
    {
        lock (_changes)
            Operations.SetDefault(FindSubvolume(path));
    }

    /// <summary>Gives the file system a name.</summary>
    /// <param name="label">At most 255 bytes, without a null or a line feed.</param>
    public void SetLabel(ReadOnlySpan<byte> label)
    {
        if (label.Length >= FormatLimits.LabelSize)
            throw new FileOperationException(FileError.NameTooLong, $"a label has at most {FormatLimits.LabelSize - 1} bytes, not {label.Length}");
        if (label.ContainsAny((byte)0, (byte)'\n'))
            throw new FileOperationException(FileError.Invalid, "a label holds neither nulls nor line feeds");

        using Transaction part = Writer.Begin(items: 0);
        part.SetLabel(label);
        part.Complete();
    }

    /// <summary>Makes the file system end behind the last block group on each device, and commits. The rest of an image file may then be cut off.</summary>
    /// <returns>The bytes of each device, by its id, that are still of use.</returns>
    public IReadOnlyDictionary<ulong, ulong> ShrinkDevices()
    {
        using (Transaction part = Writer.Begin(items: 0))
        {
            part.ShrinkDevices();
            part.Complete();
        }

        Commit();
        return new SpaceUsage(Info).EnumerateDevices().ToDictionary(device => device.DeviceId.Value, device => device.TotalBytes.Value);
    }

    /// <summary>Frees what deleted subvolumes had. It can be stopped, and goes on where it was.</summary>
    public void CleanUp(CancellationToken cancellation = default)
    {
        SubvolumeCleaner cleaner = new(Subvolumes);
        while (cleaner.HasWork)
        {
            cancellation.ThrowIfCancellationRequested();
            lock (_changes)
                cleaner.Step();
        }

        Commit();
        Writer.RemoveEmptyGroups();
    }

    private ulong FindSubvolume(FsPath path)
    {
        Location at = Find(path);
        return at.IsSubvolumeTop ? at.Subvolume.Id : throw new FileOperationException(FileError.Invalid, $"'{path}' is not a subvolume");
    }
}
