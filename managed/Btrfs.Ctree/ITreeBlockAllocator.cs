using Btrfs.Format;
using Btrfs.Storage;

namespace Btrfs.Ctree;

/// <summary>
/// What a tree needs of the space below it to change by copy on write. Trees live in blocks whose allocation is told in a tree: this interface,
/// implemented in Btrfs.Space, cuts that circle. No method may use the tree that it is called for, which is in the midst of a change.
/// </summary>
public interface ITreeBlockAllocator
{
    /// <summary>Of the running transaction: what new blocks carry.</summary>
    ulong Generation { get; }

    /// <summary>
    /// A new block for a tree, writable, empty, its header filled in, and with one reference, by that tree.
    /// </summary>
    /// <param name="tree">Whose block it becomes.</param>
    /// <param name="level">0 for a leaf.</param>
    /// <param name="near">An address that it should lie close to; 0 for none.</param>
    /// <exception cref="NoSpaceException">There is no room for metadata.</exception>
    ExtentBuffer Allocate(Tree tree, int level, LogicalAddress near);

    /// <summary>
    /// Puts the references right after a block was copied: the tree holds <paramref name="copy"/> in place of <paramref name="old"/>, with the same children.
    /// Where others hold the old block too, the children gain a reference; where this was the last, the old block is freed.
    /// </summary>
    void Replace(Tree tree, ExtentBuffer old, ExtentBuffer copy);

    /// <summary>Gives up a block that the tree has just ceased to hold, and that has nothing left in it. It is writable.</summary>
    void Free(Tree tree, ExtentBuffer block);

    /// <summary>Told before a block may be changed in place or copied: the change is now under way, and a failure from here on leaves it half done.</summary>
    void NoteChange(Tree tree);
}
