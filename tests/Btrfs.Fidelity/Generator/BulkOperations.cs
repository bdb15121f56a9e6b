using System.Text;

namespace Btrfs.Fidelity.Generator;

/// <summary>Operations that make many items at once: crowded directories, files with hundreds of names, long paths.</summary>
internal static class BulkOperations
{
    public static void Any(Session session)
    {
        switch (session.Random.Below(9))
        {
            case 0 or 1 or 2:
                LinkManyTimes(session, session.Random.Between(20, 160));
                break;
            case 3:
                FillDirectory(session, session.Random.Between(20, 150));
                break;
            case 4 or 5:
                ReshapeOperations.GrowDeep(session, session.Random.Between(5, 30), 1);
                break;
            case 6:
                ReshapeOperations.GrowDeep(session, session.Random.Between(2, 6), session.Random.Between(100, 255));
                break;
            case 7:
                RemoveMany(session);
                break;
            default:
                RenameMany(session);
                break;
        }
    }

    /// <summary>Gives a file so many names in one directory that its references overflow into extended ones.</summary>
    public static void LinkManyTimes(Session session, int count)
    {
        if (session.PickFile() is not { } file)
            return;
        Node parent = session.PickDirectory();
        int first = session.Random.Below(1000);
        for (int i = 0; i < count; i++)
        {
            if (session.Current.Link(file, parent, Encoding.ASCII.GetBytes($"link-{first + i:d4}")) < 0 && i > 10)
                return;
        }
    }

    private static void FillDirectory(Session session, int count)
    {
        Node parent = session.PickDirectory();
        for (int i = 0; i < count; i++)
            session.Current.MakeFile(parent, Encoding.ASCII.GetBytes($"file-{session.Random.Below(10000):d4}"));
    }

    private static void RemoveMany(Session session)
    {
        Node parent = session.PickDirectory();
        foreach (Entry entry in parent.Children.ToArray())
        {
            if (session.Random.Percent(40))
                session.Current.Remove(entry);
        }
    }

    private static void RenameMany(Session session)
    {
        Node from = session.PickDirectory();
        Node to = session.PickDirectory();
        foreach (Entry entry in from.Children.ToArray())
        {
            if (session.Random.Percent(60))
                session.Current.Rename(entry, to, session.Random.Percent(50) ? entry.Name : session.Names.Next(to));
        }
    }
}
