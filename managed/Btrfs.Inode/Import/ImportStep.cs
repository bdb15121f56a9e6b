using System.Runtime.InteropServices;
using Btrfs.Format;
using Btrfs.Inode.Changes;

namespace Btrfs.Inode.Import;

/// <summary>What is to be entered in the trees, in its turn.</summary>
internal abstract class ImportStep
{
    /// <summary>An estimate of the items in places of their own: names are hashed, the rest follows the inode before.</summary>
    public virtual int Items => 3;

    /// <summary>Bytes of files that it reads.</summary>
    public virtual long Bytes => 0;

    /// <summary>What is no longer needed when it is entered.</summary>
    public ImportContent? Content { get; init; }

    /// <summary>Returns when its data is on its way to the disk.</summary>
    public virtual void Wait()
    {
    }

    /// <summary>Waits for the threads, and says nothing of how they ended.</summary>
    public virtual void Settle()
    {
    }

    public abstract void Enter(ImportPart part);

    /// <summary>Ends what was begun and will not be entered.</summary>
    public virtual void Abandon(Change change)
    {
    }
}

/// <summary>A further name of an inode.</summary>
internal sealed class LinkStep(ImportDirectory directory, byte[] name, ulong inode) : ImportStep
{
    public override void Enter(ImportPart part)
    {
        InodeItem item = part.Change.GetInode(inode);
        NameEditor.RequireRoomForRef(part.Change, inode, directory.Inode, name);
        if (item.NLink.Value >= NameEditor.MaxLinks)
            throw part.Change.Refuse(FileError.TooManyLinks, inode, $"an inode has at most {NameEditor.MaxLinks} links");
        item.NLink = item.NLink + 1;
        part.Change.PutInode(inode, ref item);
        part.Hang(directory, name, inode, item.Mode);
    }
}

/// <summary>
/// An inode, and of a file its first data. A file with more to come has no name and is marked as an orphan until all of it is there: should the
/// import end before, nobody sees half a file.
/// </summary>
internal sealed class InodeStep(ImportDirectory directory, byte[] name, Prepared prepared, ImportData? data, bool isWhole) : ImportStep
{
    public override int Items => base.Items + (prepared.Xattrs.Count + 3) / 4 + (data?.Items ?? 0);

    public override long Bytes => data?.Bytes ?? 0;

    public override void Wait() => data?.Wait();

    public override void Settle() => data?.Settle();

    public override void Enter(ImportPart part)
    {
        Change change = part.Change;
        ulong inode = prepared.Inode;
        InodeItem entered = prepared.Item;
        entered.Generation = change.Generation;
        entered.TransId = change.Generation;
        entered.NLink = isWhole ? 1u : 0u;
        Key key = new(inode, ItemType.InodeItem, 0);
        MemoryMarshal.Write(change.Tree.Insert(key, InodeItem.Size), entered);
        if (isWhole)
            part.Hang(directory, name, inode, entered.Mode);
        else
            OrphanItems.Add(change.Tree, inode);

        foreach ((byte[] xattr, byte[] value) in prepared.Xattrs)
            XattrItems.Set(change, inode, xattr, value);
        if (prepared.Compression is { } compression)
            change.RequireFeature(Properties.FeatureOf(Properties.TypeOf(compression)));
        if (InodeMode.IsSymbolicLink(entered.Mode))
            FileExtents.InsertInline(change, inode, prepared.Target.Span, (ulong)prepared.Target.Length, CompressionType.None);
        if (!InodeMode.IsRegular(entered.Mode))
            return;

        data?.Enter(change, inode, ref entered);
        if (isWhole)
            FileExtents.FillHoles(change, inode, 0, change.AlignUp(entered.FileSize));
        MemoryMarshal.Write(change.Tree.Edit(key), entered);
    }

    public override void Abandon(Change change) => data?.Abandon(change);
}

/// <summary>Further data of a file; with the last of it the file gets its name.</summary>
internal sealed class DataStep(ImportDirectory directory, byte[] name, ulong inode, ImportData? data, bool isLast) : ImportStep
{
    public override int Items => base.Items + (data?.Items ?? 0);

    public override long Bytes => data?.Bytes ?? 0;

    public override void Wait() => data?.Wait();

    public override void Settle() => data?.Settle();

    public override void Enter(ImportPart part)
    {
        Change change = part.Change;
        InodeItem item = change.GetInode(inode);
        data?.Enter(change, inode, ref item);
        if (isLast)
        {
            item.NLink = 1;
            OrphanItems.Remove(change.Tree, inode);
            FileExtents.FillHoles(change, inode, 0, change.AlignUp(item.FileSize));
            part.Hang(directory, name, inode, item.Mode);
        }

        item.TransId = change.Generation;
        MemoryMarshal.Write(change.Tree.Edit(new Key(inode, ItemType.InodeItem, 0)), item);
    }

    public override void Abandon(Change change) => data?.Abandon(change);
}
