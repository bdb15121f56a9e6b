using Btrfs.Ctree;
using Btrfs.Format;

namespace Btrfs.Space.Transactions;

/// <summary>A tree with its root item, as the running transaction has them. The item goes into the root tree at the commit.</summary>
public sealed class RootState
{
    private RootItem _item;

    internal RootState(Key key, in RootItem item, Tree tree)
    {
        Key = key;
        _item = item;
        Tree = tree;
    }

    public Key Key { get; }

    public ulong Id => Key.ObjectId;

    public Tree Tree { get; }

    /// <summary>
    /// To be read and changed in place (flags, times, UUIDs, refs). Bytenr, level and generation are filled in at the commit from
    /// <see cref="Tree"/>; who changes anything here calls <see cref="Transaction.NoteRootChanged"/>.
    /// </summary>
    public ref RootItem Item => ref _item;

    public bool IsReadOnly => (_item.Flags & RootFlags.ReadOnly) != 0;

    public bool IsDead => _item.Refs.Value == 0 || (_item.Flags & RootFlags.Dead) != 0;
}
