using Btrfs.Format;
using Btrfs.Inode.Changes;

namespace Btrfs.Inode.Import;

/// <summary>Enters names in one part of a transaction. Neighbours are mostly in one directory, which is written once for all of them.</summary>
internal sealed class ImportPart(Change change)
{
    private ImportDirectory? _directory;
    private InodeItem _item;

    public Change Change => change;

    /// <summary>Gives an inode a name that is known to be free.</summary>
    public void Hang(ImportDirectory directory, ReadOnlySpan<byte> name, ulong inode, uint mode)
    {
        ulong index = change.NextIndex(directory.Inode);
        NameEditor.InsertRef(change, inode, directory.Inode, name, index);
        NameEditor.InsertEntry(change, directory.Inode, name, index, EntryTarget.OfInode(inode, mode));
        if (directory != _directory)
        {
            Flush();
            _directory = directory;
            _item = change.GetDirectory(directory.Inode);
        }

        _item.FileSize = _item.FileSize + NameEditor.SizeOf(name);
    }

    public void Finish()
    {
        Flush();
        change.Finish();
    }

    private void Flush()
    {
        if (_directory is not { } directory)
            return;

        _directory = null;
        if (directory.IsImported)
            change.PutInode(directory.Inode, ref _item);
        else
            change.PutDirectory(directory.Inode, ref _item);
    }
}
