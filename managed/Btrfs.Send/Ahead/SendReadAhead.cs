using System.Diagnostics.CodeAnalysis;
using Btrfs.Ctree;
using Btrfs.Format;
using Btrfs.Inode;
using Btrfs.Send.State;

namespace Btrfs.Send.Ahead;

/// <summary>
/// Goes through what a send will go through on a thread of its own, some way in front: the leaves that it reads are verified and in the cache when the send comes to them, and the
/// data that they lead to is on its way from the disk. What goes wrong here is left for the send to come upon.
/// </summary>
internal sealed class SendReadAhead : IDisposable
{
    private readonly SendContext _context;
    private readonly SendLead _lead;
    private readonly Thread _thread;

    private SendReadAhead(SendContext context, bool withData)
    {
        _context = context;
        _lead = new SendLead(context.Fs, withData);
        _thread = new Thread(Run) { IsBackground = true, Name = "send: read ahead" };
        _thread.Start();
    }

    /// <summary>Null where it is not worth a thread.</summary>
    /// <param name="context">The send.</param>
    /// <param name="withData">Whether the send will read data.</param>
    public static SendReadAhead? TryStart(SendContext context, bool withData) =>
        Environment.ProcessorCount > 1 && (context.Send.Root.Tree.Level > 0 || (withData && HasLongExtent(context))) ? new SendReadAhead(context, withData) : null;

    /// <summary>Tells where the send is.</summary>
    public void Note(ulong inode, ulong offset) => _lead.Note(inode, offset);

    public void Dispose()
    {
        _lead.Stop();
        _thread.Join();
        _lead.Dispose();
    }

    // One leaf can lead to 16 GiB of data.
    private static bool HasLongExtent(SendContext context)
    {
        TreeCursor cursor = context.Send.OpenCursor();
        for (cursor.Seek(new Key(ObjectIds.FirstFree, ItemType.InodeItem, 0)); cursor.IsValid; cursor.MoveNext())
        {
            if (cursor.Key.Type == ItemType.ExtentData && FileExtent.At(cursor.Leaf, cursor.Slot) is { IsInline: false, IsHole: false, NumBytes: >= SendLead.PulledBytes })
                return true;
        }

        return false;
    }

    [SuppressMessage("Design", "CA1031:Do not catch general exception types", Justification = "whatever it is, the send reads the same and tells")]
    private void Run()
    {
        try
        {
            if (_context.Parent is { } parent)
                new DifferenceAhead(_context.Fs, _context.Send.Root, parent.Root, _lead).Walk();
            else
                WalkAll();
            _lead.Fetch();
        }
        catch (Exception)
        {
            // The send goes on without.
        }
    }

    private void WalkAll()
    {
        TreeCursor cursor = _context.Send.OpenCursor();
        cursor.Seek(new Key(ObjectIds.FirstFree, ItemType.InodeItem, 0));
        while (cursor.IsValid && !_lead.IsStopped)
        {
            for (int slot = cursor.Slot; slot < cursor.Leaf.Count; slot++)
            {
                if (cursor.Leaf.Leaf.Key(slot).Type == ItemType.ExtentData)
                    _lead.Plan(FileExtent.At(cursor.Leaf, slot));
            }

            _lead.EndLeaf(cursor.Leaf.Leaf.Key(cursor.Leaf.Count - 1).ObjectId);
            cursor.MoveToNextLeaf();
        }
    }
}
