namespace Btrfs.Fidelity.Generator;

/// <summary>Chooses and runs one random operation.</summary>
internal static class OperationTable
{
    public static void Step(Session session)
    {
        SeededRandom random = session.Random;
        SubvolumeModel model = session.Model;
        if (random.Percent(25) && model.Files.Concat(model.Directories).Where(node => node.Locked).ToArray() is { Length: > 0 } locked)
            AttributeOperations.Unlock(session, random.Pick(locked));

        if (model.Entries.Count < 6)
            NameOperations.Create(session);
        else if (model.InodeCount > session.Options.Mix.TargetNodes && random.Percent(40))
            NameOperations.Remove(session);
        else
            Run(session, session.Options.Mix.Choose(random));
    }

    private static void Run(Session session, Subject subject)
    {
        switch (subject)
        {
            case Subject.Create:
                NameOperations.Create(session);
                break;
            case Subject.Remove when session.Random.Percent(35):
                NameOperations.Replace(session);
                break;
            case Subject.Remove:
                NameOperations.Remove(session);
                break;
            case Subject.Rename:
                NameOperations.Rename(session);
                break;
            case Subject.Reshape:
                ReshapeOperations.Any(session);
                break;
            case Subject.Link when session.Random.Percent(40):
                NameOperations.ShuffleLinks(session);
                break;
            case Subject.Link:
                NameOperations.Link(session);
                break;
            case Subject.Write:
                DataOperations.Any(session);
                break;
            case Subject.Allocate:
                AllocateOperations.Any(session);
                break;
            case Subject.Clone:
                CloneOperations.Any(session);
                break;
            case Subject.Attribute:
                AttributeOperations.Any(session);
                break;
            case Subject.Nested:
                NestedOperations.Any(session);
                break;
            case Subject.Bulk:
                BulkOperations.Any(session);
                break;
        }
    }
}
