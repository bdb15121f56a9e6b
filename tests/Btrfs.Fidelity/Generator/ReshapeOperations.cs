using Btrfs.Fidelity.Kernel;

namespace Btrfs.Fidelity.Generator;

/// <summary>Moves of several directories that only make sense together: what a sender must put into the right order.</summary>
internal static class ReshapeOperations
{
    private static readonly byte[] s_temporary = "tmp-name"u8.ToArray();

    public static void Any(Session session)
    {
        switch (session.Random.Below(9))
        {
            case 0 or 1:
                Rotate(session, 2);
                break;
            case 2:
                Rotate(session, session.Random.Between(3, 5));
                break;
            case 3 or 4:
                ReverseParentAndChild(session);
                break;
            case 5:
                ReplaceDirectory(session);
                break;
            case 6:
                MoveDeep(session);
                break;
            case 7:
                Hoist(session);
                break;
            default:
                MoveIntoNewcomer(session);
                break;
        }
    }

    /// <summary>Makes a chain of directories below another, sometimes with names so long that paths near PATH_MAX.</summary>
    public static void GrowDeep(Session session, int depth, int nameLength)
    {
        Node parent = session.PickDirectory();
        for (int i = 0; i < depth; i++)
        {
            byte[] name = nameLength > 1 ? session.Names.Filled(nameLength) : session.Names.Pooled();
            Node? next = session.Current.MakeDirectory(parent, name);
            if (next is null && SubvolumeModel.Find(parent, name)?.Target is { Kind: NodeKind.Directory } existing)
                next = existing;
            if (next is null)
                return;
            parent = next;
        }

        if (session.Current.MakeFile(parent, session.Names.Pooled()) is { } file)
            DataOperations.WriteInto(session, file);
    }

    // Each of several entries takes the place (directory and name) of the next one.
    private static void Rotate(Session session, int count)
    {
        Entry[] entries = [.. Enumerable.Range(0, count).Select(_ => session.Random.Percent(60) ? session.PickMovableDirectory() : session.PickEntry()).OfType<Entry>().Distinct()];
        if (entries.Length < 2)
            return;
        (Node Parent, byte[] Name)[] places = [.. entries.Select(entry => (entry.Parent, entry.Name))];
        if (session.Current.Rename(entries[0], session.Model.Root, s_temporary) < 0)
            return;
        for (int i = entries.Length - 1; i > 0; i--)
            session.Current.Rename(entries[i], places[(i + 1) % places.Length].Parent, places[(i + 1) % places.Length].Name);
        session.Current.Rename(entries[0], places[1].Parent, places[1].Name);
        RescueTemporary(session);
    }

    // a/b becomes b/a: the child takes the parent's place and the parent goes below it.
    private static void ReverseParentAndChild(Session session)
    {
        Entry[] children = [.. session.Model.Directories.Where(node => node.Links.Count > 0 && node.Link.Parent.Links.Count > 0).Select(node => node.Link)];
        if (children.Length == 0)
            return;
        Entry child = session.Random.Pick(children);
        Entry parent = child.Parent.Link;
        (Node grandparent, byte[] parentName, byte[] childName) = (parent.Parent, parent.Name, child.Name);
        if (session.Current.Rename(child, session.Model.Root, s_temporary) < 0)
            return;
        Node destination = child.Target;
        if (session.Random.Percent(50) && destination.Children.FirstOrDefault(entry => entry.Target.Kind == NodeKind.Directory) is { } deeper)
            destination = deeper.Target;
        bool keepName = session.Random.Percent(50);
        session.Current.Rename(parent, destination, keepName ? parentName : childName);
        session.Current.Rename(child, grandparent, keepName ? childName : parentName);
        RescueTemporary(session);
    }

    // A new directory takes over the name and the children of an old one, which goes or stays under another name.
    private static void ReplaceDirectory(Session session)
    {
        if (session.PickMovableDirectory() is not { } old)
            return;
        (Node parent, byte[] name) = (old.Parent, old.Name);
        if (session.Current.Rename(old, session.Model.Root, s_temporary) < 0)
            return;
        if (session.Current.MakeDirectory(parent, name) is { } fresh)
        {
            foreach (Entry child in old.Target.Children.ToArray())
            {
                if (session.Random.Percent(80))
                    session.Current.Rename(child, fresh, child.Name);
            }
        }

        if (session.Random.Percent(60))
            session.Current.RemoveTree(old);
        RescueTemporary(session);
    }

    private static void MoveDeep(Session session)
    {
        if (session.PickMovableDirectory() is not { } moved)
            return;
        Node deepest = session.PickDirectory();
        while (deepest.Children.FirstOrDefault(entry => entry.Target.Kind == NodeKind.Directory && entry != moved) is { } next)
            deepest = next.Target;
        if (!SubvolumeModel.IsWithin(deepest, moved.Target))
            session.Current.Rename(moved, deepest, session.Random.Percent(50) ? moved.Name : session.Names.Next(deepest));
    }

    // Moves a directory from wherever it is to the top, and sometimes its former ancestor into it.
    private static void Hoist(Session session)
    {
        if (session.PickMovableDirectory() is not { } moved)
            return;
        Node formerParent = moved.Parent;
        if (session.Current.Rename(moved, session.Model.Root, session.Names.Next(session.Model.Root)) >= 0
            && formerParent.Links.Count > 0 && session.Random.Percent(60))
        {
            session.Current.Rename(formerParent.Link, moved.Target, session.Names.Next(moved.Target));
        }
    }

    // Old directories move below one that is younger than they are: the sender must wait for its creation.
    private static void MoveIntoNewcomer(Session session)
    {
        Node parent = session.PickDirectory();
        if (session.Current.MakeDirectory(parent, session.Names.Next(parent)) is not { } fresh)
            return;
        int count = session.Random.Between(1, 4);
        for (int i = 0; i < count; i++)
        {
            if (session.PickEntry() is { } entry && entry.Target != fresh)
                session.Current.Rename(entry, fresh, session.Random.Percent(50) ? entry.Name : session.Names.Next(fresh));
        }
    }

    // If a step in the middle was refused something still has the temporary name: give it an ordinary one.
    private static void RescueTemporary(Session session)
    {
        if (SubvolumeModel.Find(session.Model.Root, s_temporary) is { } left)
            session.Current.Rename(left, session.Model.Root, session.Names.Next(session.Model.Root), Syscall.RenameNoReplace);
    }
}
