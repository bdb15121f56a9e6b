namespace Btrfs.Fidelity.Generator;

/// <summary>Subvolumes inside the subvolume: send shows nothing of them, and must not stumble over them.</summary>
internal static class NestedOperations
{
    public static void Any(Session session)
    {
        Node parent = session.PickDirectory();
        byte[] name = session.Names.Next(parent);
        Node[] nested = [.. session.Model.Others.Where(node => node.Kind is NodeKind.Subvolume or NodeKind.Stub)];
        switch (session.Random.Below(6))
        {
            case 0 or 1:
                session.Current.MakeSubvolume(parent, name);
                break;
            case 2:
                session.Current.SnapshotInto(parent, name);
                break;
            case 3 when nested.Length > 0:
                session.Current.Remove(session.Random.Pick(nested).Link);
                break;
            default:
                if (nested.Length > 0)
                    session.Current.Rename(session.Random.Pick(nested).Link, parent, name);
                break;
        }
    }
}
