using Btrfs.Sequences.Actors;
using Btrfs.Sequences.Operations;
using Btrfs.Sequences.Reading;

namespace Btrfs.Sequences.Running;

/// <summary>
/// What follows when one of the two is full: both must have kept what both have accepted. From there on they need not agree, but ours must answer clearly, have on
/// the disk what it has accepted, stay sound, let everything be deleted, and be taken by the kernel.
/// </summary>
internal sealed class FullDisk(FileSystemPair pair, IStepSource source, List<Operation> steps)
{
    private const int MoreOperations = 40;

    public void Run()
    {
        IActor subject = pair.Subject!;
        if (subject is EngineActor full)
            RequireKept(full, steps[^1]);
        for (int i = 0; i < MoreOperations && source.Next() is { } step && !step.IsControl; i++)
        {
            steps.Add(step);
            source.Report(step, subject.Run(step) >= 0);
        }

        if (subject is not EngineActor engine)
            return;
        TreeText accepted = pair.ReadMemory(engine).AsBuffered();
        subject.Commit();
        Compare("lost on a full disk", "memory", accepted, "the disk", pair.ReadOurs().AsBuffered());
        Require("check of a full disk");
        Empty(engine);
        subject.Commit();
        Require("check of an emptied disk");
        pair.GoToKernel();
        KernelActor kernel = (KernelActor)pair.Subject!;
        int result = kernel.Run(new Operation(Verb.Create, "after", Value: 0x1A4));
        if (result < 0)
            throw new FailureException(new Failure("full disk", $"the kernel can't make a file in our emptied image: {result}"));
        kernel.Commit();
        pair.CloseSubject();
        Require("check after the kernel");
    }

    // All but what the last step has done, or half done, on one side alone.
    private void RequireKept(EngineActor subject, Operation last)
    {
        pair.Kernel.Commit();
        subject.Commit();
        if (last.Verb is Verb.LinkMany or Verb.Rename or Verb.CreateSubvolume or Verb.Snapshot or Verb.DeleteSubvolume)
            return;
        string[] touched = [last.Path, last.Other, Model.Split(last.Path).Directory, Model.Split(last.Other).Directory];
        Compare("kept on a full disk", "the kernel's", pair.ReadTheirs().Without(touched), "ours", pair.ReadOurs().Without(touched));
    }

    private static void Compare(string kind, string leftName, TreeText left, string rightName, TreeText right)
    {
        if (TreeText.Difference(leftName, left, rightName, right) is { } difference)
            throw new FailureException(new Failure(kind, difference));
    }

    // By our own listing, so that nothing depends on what the model believes.
    private static void Empty(EngineActor engine)
    {
        // To set a flag or another default subvolume is no deletion, and may find no room before something was deleted.
        foreach (bool isLast in (bool[])[false, true])
        {
            engine.Run(new Operation(Verb.SetDefault, ""));
            Unlock(engine, "");
            Empty(engine, "", isLast);
            engine.FileSystem.CleanUp();
        }
    }

    private static void Unlock(EngineActor engine, string path)
    {
        foreach (Engine.DirectoryEntry entry in engine.FileSystem.EnumerateDirectory(new Inode.FsPath(System.Text.Encoding.Latin1.GetBytes(path))).ToList())
        {
            string child = Join(path, entry);
            if (entry.IsSubvolume)
                engine.Run(new Operation(Verb.SetReadOnly, child));
            if (entry.Type is Format.DirEntryType.Directory or Format.DirEntryType.RegularFile)
                engine.Run(new Operation(Verb.SetFlags, child));
            if (entry.Type == Format.DirEntryType.Directory)
                Unlock(engine, child);
        }
    }

    private static void Empty(EngineActor engine, string path, bool isLast)
    {
        foreach (Engine.DirectoryEntry entry in engine.FileSystem.EnumerateDirectory(new Inode.FsPath(System.Text.Encoding.Latin1.GetBytes(path))).ToList())
        {
            string child = Join(path, entry);
            bool isDirectory = entry.Type == Format.DirEntryType.Directory;
            if (isDirectory)
                Empty(engine, child, isLast);
            int result = engine.Run(new Operation(isDirectory ? Verb.RemoveDirectory : Verb.Unlink, child));
            if (result < 0 && entry.IsSubvolume)
                result = engine.Run(new Operation(Verb.DeleteSubvolume, child));
            if (isLast ? result < 0 : result == -ErrorNumber.NoSpace)
                throw new FailureException(new Failure("deleting from a full disk", $"{child} can't be deleted: {result}"));
        }
    }

    private static string Join(string path, Engine.DirectoryEntry entry)
    {
        string name = System.Text.Encoding.Latin1.GetString(entry.NameBytes.Span);
        return path.Length == 0 ? name : $"{path}/{name}";
    }

    private void Require(string kind)
    {
        if (pair.Check() is { } complaint)
            throw new FailureException(new Failure(kind, complaint));
    }
}
